package clients

// others bring an SSH of their own, and take perch proxy as their way.
func others() []client {
	const options = `-batch -hostkey "$FINGERPRINT" -i id.ppk -proxycmd 'perch proxy JDL:~/job.jdl'`
	const key = `puttygen "$KEY" -O private -o id.ppk`
	plink := piped(`plink -ssh ` + options + ` job@"$ALIAS"`)
	plink[prepare] = key
	dbclient := piped(`dbclient -i id.db -J 'perch proxy JDL:~/job.jdl' job@"$ALIAS"`)
	dbclient[prepare] = `dropbearconvert openssh dropbear "$KEY" id.db`
	// When its output goes to tar it lingers after the end: at sshd for ever, here
	// until the server's next sign of life, after 30 s.
	dbclient[getTree] = `dbclient -i id.db -J 'perch proxy JDL:~/job.jdl' job@"$ALIAS" "tar -c -C '$REMOTE_DIR' '$NAME'" >"$LOCAL.tar" && tar -xp -C "$LOCAL_DIR" -f "$LOCAL.tar"`
	pscp := copying("pscp", byProxy, `pscp -q -p `+options, `job@"$ALIAS":"%s"`)
	pscp.lines[prepare], pscp.packages, pscp.transport = key, "putty-tools", "perch-ssh"
	batch := func(command string) string {
		return `echo ` + command + ` | psftp -b /dev/stdin ` + options + ` job@"$ALIAS"`
	}
	psftp := client{
		name: "psftp", way: byProxy, packages: "putty-tools", transport: "perch-ssh",
		lines: map[task]string{
			prepare: key,
			put:     batch(`put '"'"$LOCAL"'"' '"'"$REMOTE"'"'`),
			get:     batch(`get '"'"$REMOTE"'"' '"'"$LOCAL"'"'`),
			putTree: batch(`put -r "$LOCAL" "$REMOTE"`),
			getTree: batch(`get -r "$REMOTE" "$LOCAL"`),
		},
		cannot: map[string]string{
			"status":     copiesAlone,
			"streams":    copiesAlone,
			"attributes": "psftp keeps the mode, and no times",
		},
	}
	return []client{
		{name: "plink", way: byProxy, packages: "putty-tools", transport: "perch-ssh", lines: plink, cannot: pipes},
		pscp,
		psftp,
		{name: "dbclient", way: byProxy, packages: "dropbear-bin", transport: "perch-ssh", lines: dbclient, cannot: pipes},
	}
}

// pipes is nothing: cat and tar take all there and back.
var pipes map[string]string
