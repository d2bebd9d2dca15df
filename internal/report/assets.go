package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"strings"
)

// What the page is made of. The folder assets has the released files of the
// libraries that draw the charts, unchanged, with their licences; its file
// VERSIONS says which they are.
//
//go:embed page.html page.css page.js assets
var files embed.FS

// scripts are in the order in which they run: Plot finds d3 in the global of
// that name, the page's script both.
var scripts = []string{"assets/d3.min.js", "assets/plot.umd.min.js", "page.js"}

var licences = []string{"assets/d3.LICENSE", "assets/plot.LICENSE", "assets/plot.bundled.LICENSE"}

// plotStyle is the one style sheet that Plot adds to each chart, for the class
// name that the page's script gives them. A policy lets a style in by its hash,
// so the text must be known.
const plotStyle = ":where(.plot) {\n  --plot-background: white;\n  display: block;\n  height: auto;\n  height: intrinsic;\n  max-width: 100%;\n}\n" +
	":where(.plot text),\n:where(.plot tspan) {\n  white-space: pre;\n}"

// policy is the Content-Security-Policy: what stands in the page runs, and
// nothing else; nothing is loaded, sent or put into a frame. Scripts cannot turn
// text into elements either.
func policy(scripts []template.JS, style template.CSS) string {
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	var run []string
	for _, s := range scripts {
		run = append(run, hash(string(s)))
	}
	return fmt.Sprintf("default-src 'none'; script-src %s; style-src %s %s; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
		strings.Join(run, " "), hash(string(style)), hash(plotStyle))
}
