package local

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/engine/local/submitfile"
)

// Names of the ads in the scratch directory, as HTCondor calls them.
const (
	jobAdName     = ".job.ad"
	machineAdName = ".machine.ad"
)

// ad is a ClassAd in the making: attributes in their order, names without case.
type ad struct {
	names  []string
	values map[string]string
}

// set gives an attribute a value, which is an expression in one line.
func (a *ad) set(name, expression string) {
	key := strings.ToLower(name)
	if a.values == nil {
		a.values = map[string]string{}
	}
	if _, known := a.values[key]; !known {
		a.names = append(a.names, name)
	}
	a.values[key] = expression
}

func (a *ad) setString(name, value string) { a.set(name, quote(value)) }

func (a *ad) setInt(name string, value int64) { a.set(name, strconv.FormatInt(value, 10)) }

func (a *ad) has(name string) bool {
	_, ok := a.values[strings.ToLower(name)]
	return ok
}

// String returns the ad in the form of condor_q -long.
func (a *ad) String() string {
	var b strings.Builder
	for _, name := range a.names {
		fmt.Fprintf(&b, "%s = %s\n", name, a.values[strings.ToLower(name)])
	}
	return b.String()
}

// quote writes a string as ClassAds do, without anything that could end the
// line.
func quote(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// jobAd makes the job's ad: what HTCondor would say of it, the user's own
// attributes, and Perch's.
func (d *description) jobAd(s engine.Submission, attributes []submitfile.Attribute) string {
	var a ad
	a.setString("MyType", "Job")
	a.setInt("ClusterId", int64(d.Cluster))
	a.setInt("ProcId", 0)
	a.setInt("JobStatus", int64(engine.Running))
	a.setInt("JobUniverse", 5)
	a.setInt("QDate", d.Submitted.Unix())
	a.setString("Owner", os.Getenv("USER"))
	a.setString("Cmd", d.command()[0])
	a.setString("Arguments", strings.Join(d.command()[1:], " "))
	a.setString("JobSubmitFile", d.JDL)
	a.setString("JobBatchName", s.Name)
	a.setString("UserLog", d.Log)
	a.setInt("RequestCpus", int64(d.Cpus))
	for _, request := range [][2]string{{"RequestMemory", d.Memory}, {"RequestDisk", d.Disk}} {
		if request[1] != "" {
			a.set(request[0], request[1])
		}
	}
	if d.Image != "" {
		a.setString("ContainerImage", d.Image)
	}
	for _, attribute := range attributes {
		a.set(attribute.Name, attribute.Value)
	}
	a.setPerch(s)
	return a.String()
}

// setPerch sets Perch's attributes. The user may change the idle times only.
func (a *ad) setPerch(s engine.Submission) {
	a.set(contract.AttrEditorJob, "true")
	a.setString(contract.AttrTarget, s.Target)
	a.setString(contract.AttrName, s.Name)
	a.setString(contract.AttrKey, s.Fingerprint)
	if s.IdleTimeout >= 0 && !a.has(contract.AttrIdleTimeout) {
		a.setInt(contract.AttrIdleTimeout, int64(s.IdleTimeout.Seconds()))
	}
	if s.IdleConnected >= 0 && !a.has(contract.AttrIdleConnected) {
		a.setInt(contract.AttrIdleConnected, int64(s.IdleConnected.Seconds()))
	}
}

// machineAd describes the slot: this machine, and the cores that the job has.
func (d *description) machineAd(scratch string) string {
	var a ad
	a.setString("MyType", "Machine")
	a.setString("Name", d.slot()+"@"+d.Host)
	a.setString("Machine", d.Host)
	a.setString("OpSys", "LINUX")
	if runtime.GOARCH == "amd64" {
		a.setString("Arch", "X86_64")
	} else {
		a.setString("Arch", runtime.GOARCH)
	}
	a.setInt("Cpus", int64(d.Cpus))
	a.setInt("DetectedCpus", int64(runtime.NumCPU()))
	var memory syscall.Sysinfo_t
	if syscall.Sysinfo(&memory) == nil {
		a.setInt("Memory", int64(memory.Totalram)*int64(memory.Unit)>>20)
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(scratch, &disk) == nil {
		a.setInt("Disk", int64(disk.Bavail)*disk.Bsize>>10)
	}
	return a.String()
}

// writeAds puts both ads into the scratch directory.
func (d *description) writeAds(scratch string) error {
	for name, text := range map[string]string{jobAdName: d.Ad, machineAdName: d.machineAd(scratch)} {
		if err := os.WriteFile(filepath.Join(scratch, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the job's ad: %w", err)
		}
	}
	return nil
}

var sizeText = regexp.MustCompile(`(?i)^(\d{1,12}(?:\.\d{1,6})?)\s*([KMGT]?)B?$`)

// size converts an amount such as "4 GB" to an integer in the unit that an ad
// has it in, given in bytes as is what an amount without unit means. What is no
// amount is an expression, and stays.
func size(amount string, unit float64) string {
	m := sizeText.FindStringSubmatch(amount)
	if m == nil {
		return amount
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return amount
	}
	factor := map[string]float64{"": unit, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}[strings.ToUpper(m[2])]
	return strconv.FormatFloat(value*factor/unit, 'f', 0, 64)
}
