package browser

import "encoding/json"

// Visit opens a page that is no workbench.
func (w *Window) Visit(url string) { w.t.Helper(); w.do(request{Step: "visit", URL: url}) }

// Look sets the window's size, and "light" or "dark" as what its user likes.
func (w *Window) Look(width, height int, scheme string) {
	w.t.Helper()
	w.do(request{Step: "look", Width: width, Height: height, Scheme: scheme})
}

// Press presses a key, such as Tab.
func (w *Window) Press(key string) { w.t.Helper(); w.do(request{Step: "press", Text: key}) }

// Click clicks on the one element that a CSS selector, or one of Playwright's,
// finds.
func (w *Window) Click(selector string) {
	w.t.Helper()
	w.do(request{Step: "click", Text: selector})
}

// Evaluate puts the value of an expression of JavaScript into value.
func (w *Window) Evaluate(expression string, value any) {
	w.t.Helper()
	w.value(request{Step: "evaluate", Text: expression}, value)
}

// Asked returns what has been requested since Visit; the page itself comes first.
func (w *Window) Asked() (urls []string) {
	w.t.Helper()
	w.value(request{Step: "asked"}, &urls)
	return urls
}

// Said returns the errors and warnings of the page since Visit.
func (w *Window) Said() (lines []string) {
	w.t.Helper()
	w.value(request{Step: "said"}, &lines)
	return lines
}

func (w *Window) value(r request, value any) {
	w.t.Helper()
	if err := json.Unmarshal(w.do(r), value); err != nil {
		w.t.Fatalf("%s %s: %v", r.Step, r.Text, err)
	}
}
