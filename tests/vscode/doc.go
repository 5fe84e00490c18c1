// Package vscode gets a real VS Code server for tests, and what talks to it: the
// MIT-licensed build of the npm package code-server, without code-server's own
// shell, with a node of its own beside it as Microsoft's builds have. The server
// takes the options that Remote - SSH's script gives, and, other than
// Microsoft's, shows its workbench to a browser.
//
// All of it comes from npm and is kept in the cache (package cache); building it
// takes some minutes.
package vscode
