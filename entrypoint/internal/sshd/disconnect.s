// This file is empty on purpose: with it, the compiler accepts a function
// without a body, see disconnect.go.
