// Package pipelines holds the pipelines of .github/workflows and ci/gitlab to
// what they speak of, and tries what they do.
package pipelines
