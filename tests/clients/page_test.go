package clients

import "testing"

func (m *matrix) compare(t *testing.T) {}
