package docs

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"strconv"
	"strings"
)

// Reason is one word of the vocabulary in which the table "rejected" says why.
type Reason struct {
	Table   string // the table the record was meant for
	Name    string
	Comment string
}

// Reasons reads the constants of type logs.Reason out of the packages that own
// a table. One without a comment is an error: people will ask.
func Reasons(root fs.FS) ([]Reason, error) {
	var reasons []Reason
	var faults []error
	for _, s := range sources {
		files, err := parseDir(root, s.dir)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			for _, v := range reasonConsts(f) {
				r, err := reason(v)
				if err != nil {
					faults = append(faults, fmt.Errorf("%s: %s: %w", s.dir, v.Names[0].Name, err))
				}
				r.Table = s.table
				reasons = append(reasons, r)
			}
		}
	}
	return reasons, errors.Join(faults...)
}

// reasonConsts finds the constants of a file that are declared as Reason.
func reasonConsts(file *ast.File) []*ast.ValueSpec {
	var found []*ast.ValueSpec
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, s := range g.Specs {
			if v := s.(*ast.ValueSpec); v.Type != nil && typeName(v.Type) == "Reason" {
				found = append(found, v)
			}
		}
	}
	return found
}

func reason(v *ast.ValueSpec) (Reason, error) {
	var r Reason
	if len(v.Values) != 1 {
		return r, errors.New("one constant with one value expected")
	}
	lit, ok := v.Values[0].(*ast.BasicLit)
	if !ok {
		return r, errors.New("a literal expected")
	}
	name, err := strconv.Unquote(lit.Value)
	if err != nil {
		return r, err
	}
	r.Name = name
	text := v.Doc.Text()
	if text == "" {
		text = v.Comment.Text()
	}
	text = strings.TrimPrefix(text, v.Names[0].Name+": ")
	r.Comment = strings.Join(strings.Fields(text), " ")
	if r.Comment == "" {
		return r, errors.New("no comment")
	}
	return r, nil
}
