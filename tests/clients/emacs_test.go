package clients

// emacs is TRAMP, with what a user writes for it in testdata.
func emacs() []client {
	return []client{
		tramp(byShim, `'/perch:[JDL:job.jdl]:'`),
		tramp(byProxy, `/scp:job:`),
	}
}

func tramp(way, prefix string) client {
	program := `emacs -Q --batch -l "$TESTDATA/tramp.el" ` + prefix
	return client{
		name: "TRAMP", way: way, packages: "emacs-nox", transport: carrying[way],
		lines: map[task]string{
			command: program + ` run "$CMD"`,
			put:     program + ` put "$LOCAL" "$REMOTE"`,
			get:     program + ` get "$REMOTE" "$LOCAL"`,
			putTree: program + ` put "$LOCAL" "$REMOTE"`,
			getTree: program + ` get "$REMOTE" "$LOCAL"`,
		},
	}
}
