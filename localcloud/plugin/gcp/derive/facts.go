//go:build ignore

// Reads resource types out of terraform-provider-google's Go source: schema facts, REST calls, field names.
//
//	go run facts.go SOURCE TYPE... > facts.json
//
// SOURCE is the unpacked module. What a generated resource says by a fixed pattern becomes data; the rest (functions
// written by hand) is left out, and a table elsewhere names it.
package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

type facts map[string]map[string]any // property path -> fact -> value

type call struct {
	Verb    string   `json:"verb"`
	Method  string   `json:"method"`
	URL     string   `json:"url"`
	Changed []string `json:"changed,omitempty"`
}

type resource struct {
	File     string            `json:"file"`
	Schema   facts             `json:"schema"`
	Calls    []call            `json:"calls,omitempty"`
	ID       string            `json:"id,omitempty"`
	Label    string            `json:"label,omitempty"`
	Planned  []string          `json:"planned,omitempty"`
	Imports  []string          `json:"imports,omitempty"`
	Mask     map[string]string `json:"mask,omitempty"`
	Sent     map[string]string `json:"sent,omitempty"`
	Received map[string]string `json:"received,omitempty"`
	Refers   map[string]string `json:"refers,omitempty"` // a property that names another thing -> its place in paths
	Product  map[string]string `json:"product"`
}

// pkg is one Go package of the provider: its functions and variables by name.
type pkg struct {
	fset  *token.FileSet
	funcs map[string]*ast.FuncDecl
	vars  map[string]ast.Expr
	files map[string]*ast.File
}

func load(folder string) *pkg {
	p := &pkg{token.NewFileSet(), map[string]*ast.FuncDecl{}, map[string]ast.Expr{}, map[string]*ast.File{}}
	names, _ := filepath.Glob(filepath.Join(folder, "*.go"))
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(p.fset, name, nil, 0)
		if err != nil {
			panic(err)
		}
		p.files[name] = file
		for _, declared := range file.Decls {
			switch d := declared.(type) {
			case *ast.FuncDecl:
				p.funcs[d.Name.Name] = d
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for i, name := range v.Names {
							if i < len(v.Values) {
								p.vars[name.Name] = v.Values[i]
							}
						}
					}
				}
			}
		}
	}
	return p
}

func (p *pkg) text(node ast.Node) string {
	var out strings.Builder
	_ = printer.Fprint(&out, p.fset, node)
	return regexp.MustCompile(`\s+`).ReplaceAllString(out.String(), " ")
}

func quoted(e ast.Expr) (string, bool) {
	if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		s, err := strconv.Unquote(lit.Value)
		return s, err == nil
	}
	return "", false
}

func literal(e ast.Expr) *ast.CompositeLit {
	if u, ok := e.(*ast.UnaryExpr); ok {
		e = u.X
	}
	lit, _ := e.(*ast.CompositeLit)
	return lit
}

func fields(lit *ast.CompositeLit) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, element := range lit.Elts {
		if kv, ok := element.(*ast.KeyValueExpr); ok {
			if id, ok := kv.Key.(*ast.Ident); ok {
				out[id.Name] = kv.Value
			} else if s, ok := quoted(kv.Key); ok {
				out[s] = kv.Value
			}
		}
	}
	return out
}

// resolve follows a variable or a call of the package to the literal that it gives.
func (p *pkg) resolve(e ast.Expr) *ast.CompositeLit {
	if lit := literal(e); lit != nil {
		return lit
	}
	switch x := e.(type) {
	case *ast.Ident:
		if v, ok := p.vars[x.Name]; ok {
			return p.resolve(v)
		}
	case *ast.CallExpr:
		if id, ok := x.Fun.(*ast.Ident); ok && p.funcs[id.Name] != nil {
			var found *ast.CompositeLit
			local := map[string]ast.Expr{}
			ast.Inspect(p.funcs[id.Name].Body, func(n ast.Node) bool {
				if a, ok := n.(*ast.AssignStmt); ok && a.Tok == token.DEFINE && len(a.Rhs) == 1 {
					local[p.text(a.Lhs[0])] = a.Rhs[0]
				}
				if r, ok := n.(*ast.ReturnStmt); ok && found == nil && len(r.Results) > 0 {
					if own, ok := local[p.text(r.Results[0])]; ok {
						found = p.resolve(own)
					} else {
						found = p.resolve(r.Results[0])
					}
				}
				return found == nil
			})
			return found
		}
	}
	return nil
}

func (p *pkg) isDeletionPolicy(e ast.Expr) bool {
	c, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	if id, ok := c.Fun.(*ast.Ident); ok && p.funcs[id.Name] != nil {
		return strings.Contains(p.text(p.funcs[id.Name].Body), "DeletionPolicySchemaEntry(")
	}
	return strings.HasSuffix(p.text(c.Fun), "DeletionPolicySchemaEntry")
}

var skipped = map[string]bool{"Description": true, "Set": true, "Elem": true, "StateFunc": true}

func (p *pkg) schema(lit *ast.CompositeLit, path string, out facts) {
	for name, value := range fields(lit) {
		where := name
		if path != "" {
			where = path + "." + name
		}
		if inner := p.resolve(value); inner != nil {
			p.property(inner, where, out)
		} else if p.isDeletionPolicy(value) { // tpgresource/utils.go: DeletionPolicySchemaEntry
			out[where] = map[string]any{"Type": "schema.TypeString", "Optional": "true", "Computed": "true"}
		}
	}
}

func (p *pkg) property(lit *ast.CompositeLit, where string, out facts) {
	found := map[string]any{}
	for key, value := range fields(lit) {
		if skipped[key] {
			continue
		}
		if list := p.resolve(value); list != nil && strings.HasPrefix(p.text(list.Type), "[]string") {
			words := []string{}
			for _, element := range list.Elts {
				if s, ok := quoted(element); ok {
					words = append(words, s)
				} else {
					words = append(words, p.text(element))
				}
			}
			found[key] = words
			continue
		}
		found[key] = p.text(value)
	}
	out[where] = found
	if element, ok := fields(lit)["Elem"]; ok {
		if inner := p.resolve(element); inner != nil {
			if nested, ok := fields(inner)["Schema"]; ok {
				if lit := p.resolve(nested); lit != nil {
					p.schema(lit, where, out)
				}
			} else {
				p.property(inner, where+"[]", out)
			}
		}
	}
}

// names maps Terraform paths to the API's names, from a function that fills `into[...]`.
func (p *pkg) names(function *ast.FuncDecl, getter, into, path, api string, out, refers map[string]string, depth int) {
	if function == nil || depth > 12 {
		return
	}
	made := map[string][2]string{} // variable -> (Terraform name, function)
	note := func(tf, to, inner string) {
		where := tf
		if path != "" {
			where = path + "." + tf
		}
		if _, known := out[where]; !known {
			out[where] = strings.TrimPrefix(api+"."+to, ".")
			p.names(p.funcs[inner], "original", "transformed", where, "", out, refers, depth+1)
			p.refers(p.funcs[inner], where, refers)
		}
	}
	ast.Inspect(function.Body, func(n ast.Node) bool {
		assign, ok := n.(*ast.AssignStmt)
		if !ok || len(assign.Rhs) != 1 {
			return true
		}
		if c, ok := assign.Rhs[0].(*ast.CallExpr); ok && len(c.Args) > 0 {
			if tf, ok := fetched(c.Args[0], getter); ok {
				if id, ok := assign.Lhs[0].(*ast.Ident); ok {
					made[id.Name] = [2]string{tf, p.text(c.Fun)}
				}
			} else if id, ok := assign.Lhs[0].(*ast.Ident); ok && p.text(c.Args[0]) == "nil" && depth < 2 {
				made[id.Name] = [2]string{"", p.text(c.Fun)} // an object that the API nests and Terraform does not
			}
		}
		if target, ok := assign.Lhs[0].(*ast.IndexExpr); ok && p.text(target.X) == into {
			to, isText := quoted(target.Index)
			if id, ok := assign.Rhs[0].(*ast.Ident); ok && isText {
				if from, ok := made[id.Name]; ok && from[0] != "" {
					note(from[0], to, from[1])
				} else if ok {
					p.names(p.funcs[from[1]], "d.Get", "transformed", path, strings.TrimPrefix(api+"."+to, "."), out, refers, depth+1)
				}
			}
		}
		return true
	})
}

// refers notes what a property names: `tpgresource.ParseRegionalFieldValue("subnetworks", ...)`.
func (p *pkg) refers(function *ast.FuncDecl, path string, out map[string]string) {
	if function == nil {
		return
	}
	ast.Inspect(function.Body, func(n ast.Node) bool {
		if c, ok := n.(*ast.CallExpr); ok && len(c.Args) > 0 {
			scope := map[string]string{"tpgresource.ParseGlobalFieldValue": "global", "tpgresource.ParseRegionalFieldValue": "regions"}[p.text(c.Fun)]
			if collection, ok := quoted(c.Args[0]); ok && scope != "" {
				out[path] = scope + "/" + collection
			}
		}
		return true
	})
}

// fetched gives the name in `d.Get("name")` or `original["name"]`.
func fetched(e ast.Expr, getter string) (string, bool) {
	switch x := e.(type) {
	case *ast.CallExpr:
		if len(x.Args) == 1 && getter == "d.Get" {
			if s, ok := x.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Get" {
				return quoted(x.Args[0])
			}
		}
	case *ast.IndexExpr:
		if id, ok := x.X.(*ast.Ident); ok && id.Name == getter {
			return quoted(x.Index)
		}
	}
	return "", false
}

// read maps Terraform paths to the API's names, from `d.Set(tf, flatten(res[api]))` and the literals of flatteners.
func (p *pkg) read(function *ast.FuncDecl, source, path string, out map[string]string, depth int) {
	if function == nil || depth > 12 {
		return
	}
	note := func(tf string, value ast.Expr) {
		where := tf
		if path != "" {
			where = path + "." + tf
		}
		var api, inner string
		ast.Inspect(value, func(n ast.Node) bool {
			if x, ok := n.(*ast.IndexExpr); ok && api == "" {
				if id, ok := x.X.(*ast.Ident); ok && id.Name == source {
					api, _ = quoted(x.Index)
				}
			}
			if c, ok := n.(*ast.CallExpr); ok && inner == "" {
				if id, ok := c.Fun.(*ast.Ident); ok && strings.HasPrefix(id.Name, "flatten") {
					inner = id.Name
				}
			}
			return true
		})
		if _, known := out[where]; api != "" && !known {
			out[where] = api
			p.read(p.funcs[inner], "original", where, out, depth+1)
		}
	}
	ast.Inspect(function.Body, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.CallExpr:
			if s, ok := x.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "Set" && len(x.Args) == 2 && p.text(s.X) == "d" {
				if tf, ok := quoted(x.Args[0]); ok {
					note(tf, x.Args[1])
				}
			}
		case *ast.AssignStmt:
			if target, ok := x.Lhs[0].(*ast.IndexExpr); ok && p.text(target.X) == "transformed" && len(x.Rhs) == 1 {
				if tf, ok := quoted(target.Index); ok {
					note(tf, x.Rhs[0])
				}
			}
		case *ast.KeyValueExpr:
			if tf, ok := quoted(x.Key); ok && depth > 0 {
				note(tf, x.Value)
			}
		}
		return true
	})
}

var creating = regexp.MustCompile(`^"Error creating (\w[\w ]*):`)

var base = regexp.MustCompile(`^(?:transport_tpg\.BaseUrl\(Product, config\)\s*\+\s*"|"\{\{\w+BasePath\}\})(.*)"$`)

func (p *pkg) calls(verb string, function *ast.FuncDecl, found *resource) {
	if function == nil {
		return
	}
	url := ""
	var walk func(n ast.Node, changed []string)
	walk = func(n ast.Node, changed []string) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch x := n.(type) {
			case *ast.IfStmt:
				inside := changed
				ast.Inspect(x.Cond, func(n ast.Node) bool {
					if c, ok := n.(*ast.CallExpr); ok && len(c.Args) == 1 {
						if s, ok := c.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == "HasChange" {
							if name, ok := quoted(c.Args[0]); ok {
								inside = append(inside[:len(inside):len(inside)], name)
							}
						}
					}
					return true
				})
				if len(inside) != len(changed) {
					walk(x.Body, inside)
					return false
				}
			case *ast.AssignStmt:
				if len(x.Rhs) == 1 {
					if c, ok := x.Rhs[0].(*ast.CallExpr); ok && strings.HasPrefix(p.text(c.Fun), "tpgresource.ReplaceVars") && len(c.Args) > 2 {
						to := p.text(x.Lhs[0])
						if m := base.FindStringSubmatch(p.text(c.Args[2])); m != nil && to == "url" {
							url = m[1]
						} else if id, ok := quoted(c.Args[2]); ok && to == "id" {
							found.ID = id
						}
					}
					if to, ok := x.Lhs[0].(*ast.Ident); ok && to.Name == "updateMask" && len(changed) > 0 {
						if c, ok := x.Rhs[0].(*ast.CallExpr); ok && len(c.Args) > 1 {
							masks := []string{}
							for _, argument := range c.Args[1:] {
								if s, ok := quoted(argument); ok {
									masks = append(masks, s)
								}
							}
							for _, name := range changed {
								found.Mask[name] = strings.Join(masks, ",")
							}
						}
					}
				}
			case *ast.CompositeLit:
				if strings.HasSuffix(p.text(x.Type), "SendRequestOptions") {
					method, _ := quoted(fields(x)["Method"])
					if raw, ok := fields(x)["RawURL"]; ok && p.text(raw) == "url" {
						found.Calls = append(found.Calls, call{verb, method, url, changed})
					}
				}
			}
			return true
		})
	}
	walk(function.Body, nil)
}

func (p *pkg) find(name string) (string, ast.Expr) {
	for file, parsed := range p.files {
		var found ast.Expr
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok && lit.Type != nil && p.text(lit.Type) == "registry.Schema" {
				own := fields(lit)
				if named, ok := quoted(own["Name"]); ok && named == name && !strings.Contains(p.text(own["Type"]), "DataSource") && !strings.Contains(p.text(own["Type"]), "Framework") {
					found = own["Schema"]
				}
			}
			return found == nil
		})
		if found != nil {
			return file, found
		}
	}
	return "", nil
}

func product(p *pkg) map[string]string {
	out := map[string]string{}
	if lit := p.resolve(p.vars["Product"]); lit != nil {
		for key, value := range fields(lit) {
			if s, ok := quoted(value); ok {
				out[key] = s
			}
		}
	}
	return out
}

// added reads properties that a function puts into a schema afterwards: `made.Schema["name"] = &schema.Schema{...}`.
func (p *pkg) added(e ast.Expr, out facts) {
	c, ok := e.(*ast.CallExpr)
	if !ok {
		return
	}
	id, ok := c.Fun.(*ast.Ident)
	if !ok || p.funcs[id.Name] == nil {
		return
	}
	ast.Inspect(p.funcs[id.Name].Body, func(n ast.Node) bool {
		if a, ok := n.(*ast.AssignStmt); ok && len(a.Rhs) == 1 {
			if target, ok := a.Lhs[0].(*ast.IndexExpr); ok && strings.HasSuffix(p.text(target.X), ".Schema") {
				name, isText := quoted(target.Index)
				if lit := literal(a.Rhs[0]); lit != nil && isText {
					p.property(lit, name, out)
				}
			}
		}
		return true
	})
}

func (p *pkg) describe(schema ast.Expr, shared *pkg, root, file string) resource {
	found := resource{File: strings.TrimPrefix(file, root+"/"), Schema: facts{}, Mask: map[string]string{}, Product: product(p)}
	if c, ok := schema.(*ast.CallExpr); ok {
		if id, ok := c.Fun.(*ast.Ident); ok && p.funcs[id.Name] != nil {
			ast.Inspect(p.funcs[id.Name].Body, func(n ast.Node) bool {
				if inner, ok := n.(*ast.CallExpr); ok && strings.HasPrefix(p.text(inner.Fun), "tpgiamresource.ResourceIam") {
					schema = inner
				}
				return true
			})
		}
	}
	if c, ok := schema.(*ast.CallExpr); ok && strings.HasPrefix(p.text(c.Fun), "tpgiamresource.") {
		base := map[string]string{"ResourceIamMember": "IamMemberBaseSchema", "ResourceIamAuditConfig": "iamAuditConfigSchema"}
		kind := strings.TrimPrefix(p.text(c.Fun), "tpgiamresource.")
		kind = regexp.MustCompile(`With.*$`).ReplaceAllString(kind, "")
		if lit := shared.resolve(&ast.Ident{Name: base[kind]}); lit != nil {
			shared.schema(lit, "", found.Schema)
		}
		if lit := p.resolve(c.Args[0]); lit != nil {
			p.schema(lit, "", found.Schema)
		}
		return found
	}
	lit := p.resolve(schema)
	if lit == nil {
		panic(p.text(schema))
	}
	own := fields(lit)
	if nested, ok := own["Schema"]; ok {
		parts := []ast.Expr{nested}
		if merged, ok := nested.(*ast.CallExpr); ok { // tpgresource.MergeSchemas(base, what the caller adds)
			parts = merged.Args
			if c, ok := schema.(*ast.CallExpr); ok {
				parts = append(parts[:len(parts):len(parts)], c.Args...)
			}
		}
		for _, part := range parts {
			if lit := p.resolve(part); lit != nil {
				p.schema(lit, "", found.Schema)
			}
		}
	}
	p.added(schema, found.Schema)
	if planned, ok := own["CustomizeDiff"]; ok {
		ast.Inspect(planned, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name != "All" {
				found.Planned = append(found.Planned, s.Sel.Name)
			} else if id, ok := n.(*ast.Ident); ok && p.funcs[id.Name] != nil {
				found.Planned = append(found.Planned, id.Name)
			}
			return true
		})
	}
	for _, verb := range []string{"Create", "Read", "Update", "Delete"} {
		if f, ok := own[verb]; ok {
			function := p.funcs[p.text(f)]
			if verb == "Create" && function != nil {
				ast.Inspect(function.Body, func(n ast.Node) bool {
					if s, ok := n.(*ast.BasicLit); ok && found.Label == "" {
						if m := creating.FindStringSubmatch(s.Value); m != nil {
							found.Label = m[1]
						}
					}
					return true
				})
			}
			p.calls(verb, function, &found)
			if verb == "Create" {
				found.Sent = map[string]string{}
				found.Refers = map[string]string{}
				p.names(function, "d.Get", "obj", "", "", found.Sent, found.Refers, 0)
			}
			if verb == "Read" && function != nil {
				found.Received = map[string]string{}
				p.read(function, "res", "", found.Received, 0)
				flatten := strings.TrimSuffix("R"+strings.TrimPrefix(function.Name.Name, "r"), "Read") + "Flatten"
				p.read(p.funcs[flatten], "res", "", found.Received, 0)
			}
		}
	}
	if importer, ok := own["Importer"]; ok {
		if state, ok := fields(p.resolve(importer))["State"]; ok {
			if function := p.funcs[p.text(state)]; function != nil {
				ast.Inspect(function.Body, func(n ast.Node) bool {
					if s, ok := n.(*ast.BasicLit); ok && strings.Contains(s.Value, "(?P<") {
						if pattern, ok := quoted(s); ok {
							found.Imports = append(found.Imports, pattern)
						}
					}
					return true
				})
			}
		}
	}
	return found
}

func main() {
	root, out := os.Args[1], map[string]resource{}
	folder, _ := filepath.Glob(filepath.Join(root, "google*", "services"))
	if len(folder) != 1 {
		panic(fmt.Sprintf("%s is no provider source", root))
	}
	shared := load(filepath.Join(filepath.Dir(folder[0]), "tpgiamresource"))
	packages, _ := filepath.Glob(filepath.Join(folder[0], "*"))
	sort.Strings(packages)
	for _, path := range packages {
		names := []string{}
		sources, _ := filepath.Glob(filepath.Join(path, "*.go"))
		for _, source := range sources {
			text, _ := os.ReadFile(source)
			for _, name := range os.Args[2:] {
				if strings.Contains(string(text), `"`+name+`"`) && !strings.HasSuffix(source, "_test.go") {
					names = append(names, name)
				}
			}
		}
		if len(names) == 0 {
			continue
		}
		p := load(path)
		for _, name := range names {
			if file, schema := p.find(name); schema != nil {
				out[name] = p.describe(schema, shared, root, file)
			}
		}
	}
	for _, name := range os.Args[2:] {
		if _, ok := out[name]; !ok {
			fmt.Fprintln(os.Stderr, "not found:", name)
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}
