package userlog

import (
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"
)

// quoting is how a string stands between the quotes of a ClassAd.
var (
	quoting   = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	unquoting = strings.NewReplacer(`\\`, `\`, `\"`, `"`)
)

func unquote(s string) string { return unquoting.Replace(s) }

// Append writes an event at the end of a log, in one write, so that records of
// several writers never mix. The file is made where it is missing.
func Append(path string, e Event) error {
	record, err := Format(e)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("opening user log: %w", err)
	}
	if _, err := f.Write(record); err != nil {
		f.Close()
		return fmt.Errorf("writing user log %q: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("closing user log %q: %w", path, err)
	}
	return nil
}

// Format returns an event as HTCondor 25 writes it, with the separator. Text
// and Lines are made from the other fields. It knows the kinds that the local
// engine writes and fails for all others.
func Format(e Event) ([]byte, error) {
	var cluster, proc int
	if n, err := fmt.Sscanf(e.Job, "%d.%d", &cluster, &proc); n != 2 {
		return nil, fmt.Errorf("formatting a user log event: job id %q: %w", e.Job, err)
	}
	body := e.body()
	if body == "" {
		return nil, fmt.Errorf("formatting a user log event: kind %03d is not known", int(e.Number))
	}
	return fmt.Appendf(nil, "%03d (%03d.%03d.000) %s %s...\n", int(e.Number), cluster, proc,
		e.Time.Local().Format(time.DateTime), body), nil
}

func (e Event) body() string {
	reason := oneLine(e.Reason)
	switch e.Number {
	case Submit:
		return "Job submitted from host: " + oneLine(e.Host) + "\n"
	case Execute:
		return fmt.Sprintf("Job executing on host: %s\n\tSlotName: %s\n\tCondorScratchDir = \"%s\"\n",
			oneLine(e.Host), oneLine(e.Slot), quoting.Replace(oneLine(e.Scratch)))
	case Evicted:
		return e.evicted(reason)
	case Terminated:
		return e.terminated()
	case Aborted:
		return "Job was aborted.\n\t" + reason + "\n"
	case Held:
		return fmt.Sprintf("Job was held.\n\t%s\n\tCode %d Subcode %d\n", reason, e.Code, e.Subcode)
	case Released:
		return "Job was released.\n\t" + reason + "\n"
	case RemoteError:
		return fmt.Sprintf("Error from starter on %s:\n\t%s\n\tCode %d Subcode %d\n", oneLine(e.Host), reason, e.Code, e.Subcode)
	}
	return ""
}

func (e Event) evicted(reason string) string {
	code := ""
	if e.Code != 0 {
		code = fmt.Sprintf(" Code %d Subcode %d", e.Code, e.Subcode)
	}
	return "Job was evicted." + code + "\n\t(0) CPU times\n" +
		usageLine(e.UserTime, e.SystemTime, "Run Remote Usage") + usageLine(0, 0, "Run Local Usage") +
		"\t0  -  Run Bytes Sent By Job\n\t0  -  Run Bytes Received By Job\n\tReason: " + reason + "\n"
}

func (e Event) terminated() string {
	how := fmt.Sprintf("\t(1) Normal termination (return value %d)\n", e.ReturnValue)
	if e.Signal != 0 {
		how = fmt.Sprintf("\t(0) Abnormal termination (signal %d)\n\t(0) No core file\n", e.Signal)
	}
	return "Job terminated.\n" + how +
		usageLine(e.UserTime, e.SystemTime, "Run Remote Usage") + usageLine(0, 0, "Run Local Usage") +
		usageLine(e.UserTime, e.SystemTime, "Total Remote Usage") + usageLine(0, 0, "Total Local Usage") +
		"\t0  -  Run Bytes Sent By Job\n\t0  -  Run Bytes Received By Job\n" +
		"\t0  -  Total Bytes Sent By Job\n\t0  -  Total Bytes Received By Job\n"
}

func usageLine(user, system time.Duration, what string) string {
	return fmt.Sprintf("\t\tUsr %s, Sys %s  -  %s\n", days(user), days(system), what)
}

func days(d time.Duration) string {
	s := int64(d / time.Second)
	return fmt.Sprintf("%d %02d:%02d:%02d", s/86400, s/3600%24, s/60%60, s%60)
}

// oneLine keeps a foreign text from ending its line, and so its record.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
}
