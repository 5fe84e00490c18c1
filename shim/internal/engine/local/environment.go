package local

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// parseEnvironment reads the submit command environment in its new syntax,
// "A=b C='d e'" with the double quotes, or in the old one, A=b;C=d e (manual,
// condor_submit, environment).
func parseEnvironment(value string) ([]string, error) {
	if !strings.HasPrefix(value, `"`) {
		return checkVariables(splitOld(value))
	}
	inner, ok := strings.CutSuffix(value[1:], `"`)
	if !ok {
		return nil, errors.New("the value begins with a double quote, but does not end with one")
	}
	inner = strings.ReplaceAll(inner, `""`, "\x00")
	if strings.Contains(inner, `"`) {
		return nil, errors.New(`there is a double quote inside of the value; write it twice ("")`)
	}
	words, err := splitQuoted(strings.ReplaceAll(inner, "\x00", `"`))
	if err != nil {
		return nil, err
	}
	return checkVariables(words)
}

func splitOld(value string) []string {
	var words []string
	for word := range strings.SplitSeq(value, ";") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// splitQuoted splits at blanks that are not between single quotes. Two single
// quotes between single quotes stand for one.
func splitQuoted(s string) ([]string, error) {
	var (
		words          []string
		word           strings.Builder
		inWord, quoted bool
	)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\'' && quoted && i+1 < len(s) && s[i+1] == '\'':
			word.WriteByte(c)
			i++
		case c == '\'':
			quoted, inWord = !quoted, true
		case !quoted && (c == ' ' || c == '\t'):
			if inWord {
				words = append(words, word.String())
			}
			word.Reset()
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quoted {
		return nil, errors.New("a single quote is not closed")
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

func checkVariables(words []string) ([]string, error) {
	for _, word := range words {
		if strings.IndexByte(word, '=') < 1 {
			return nil, fmt.Errorf("%q is no NAME=value", word)
		}
	}
	return words, nil
}

// inherited returns what the submit command getenv takes from environ: nothing
// (false), everything (true), or the names and patterns that it lists.
func inherited(getenv string, environ []string) []string {
	switch strings.ToLower(getenv) {
	case "", "false":
		return nil
	case "true":
		return environ
	}
	patterns := strings.FieldsFunc(getenv, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' })
	var taken []string
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		for _, pattern := range patterns {
			if ok, err := path.Match(pattern, name); err == nil && ok {
				taken = append(taken, variable)
				break
			}
		}
	}
	return taken
}

// threadVariables are what programs read to learn how many threads they may
// start: HTCondor's STARTER_NUM_THREADS_ENV_VARS.
var threadVariables = []string{
	"CUBACORES", "GOMAXPROCS", "JULIA_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS",
	"OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "PYTHON_CPU_COUNT", "ROOT_MAX_THREADS", "TF_LOOP_PARALLEL_ITERATIONS",
	"TF_NUM_THREADS",
}

// environment returns what the job finds in its environment, as HTCondor would
// set it: the user's variables go before numbers of threads, but not before
// what describes the place.
func (d *description) environment(scratch string) []string {
	values := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, name := range threadVariables {
		values[name] = fmt.Sprint(d.Cpus)
	}
	for _, variable := range d.Environment {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	tmp := "/tmp" // in a container it is the job's own
	if d.Image == "" {
		tmp = scratch
	}
	for name, value := range map[string]string{
		"BATCH_SYSTEM":          "HTCondor",
		"HOME":                  scratch,
		"TMPDIR":                tmp,
		"TMP":                   tmp,
		"TEMP":                  tmp,
		"_CONDOR_SCRATCH_DIR":   scratch,
		"_CONDOR_JOB_IWD":       scratch,
		"_CONDOR_JOB_AD":        scratch + "/" + jobAdName,
		"_CONDOR_MACHINE_AD":    scratch + "/" + machineAdName,
		"_CONDOR_SLOT":          d.slot(),
		"_CONDOR_JOB_PIDS":      "",
		"APPTAINER_CONTAINER":   d.Image,
		"SINGULARITY_CONTAINER": d.Image,
	} {
		if value != "" || strings.HasPrefix(name, "_") {
			values[name] = value
		}
	}
	environ := make([]string, 0, len(values))
	for name, value := range values {
		environ = append(environ, name+"="+value)
	}
	slices.Sort(environ)
	return environ
}
