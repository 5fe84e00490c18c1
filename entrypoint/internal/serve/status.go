package serve

import (
	"encoding/json"
	"time"

	"github.com/google/renameio/v2"

	"perch/entrypoint/contract"
)

// writeStatus writes the job's state for whoever asks. A failure (a full disk,
// say) is logged and does not end the job.
func (j *job) writeStatus(state, reason string) {
	content, err := json.Marshal(contract.Status{
		Contract: contract.Version,
		State:    state,
		Since:    time.Now().Unix(),
		Reason:   reason,
		Home:     j.place.Home,
	})
	if err == nil {
		err = renameio.WriteFile(j.place.Path(contract.StatusName), append(content, '\n'), 0o600)
	}
	if err != nil {
		j.log.say("writing the job's state: %v", err)
	}
}
