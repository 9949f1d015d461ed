// Makes the vectors of this folder and of src/proof/testdata with golang.org/x/mod: go mod init x && go get golang.org/x/mod && go run vectors.go
//
//go:build ignore

package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

type storage []tlog.Hash

func (s storage) ReadHashes(ix []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(ix))
	for i, x := range ix {
		out[i] = s[x]
	}
	return out, nil
}
func b64s(p []tlog.Hash) []string {
	out := []string{}
	for _, h := range p {
		out = append(out, h.String())
	}
	return out
}
func write(name string, v any) {
	b, err := json.MarshalIndent(v, "", " ")
	must(err)
	must(os.WriteFile(name, append(b, '\n'), 0666))
}

func main() {
	// tlog
	const N = 600
	var st storage
	type rp struct {
		Size, Id int64
		Proof    []string
	}
	type tp struct {
		Newer, Older int64
		Proof        []string
	}
	roots := map[int64]string{}
	for i := int64(0); i < N; i++ {
		hs, err := tlog.StoredHashes(i, []byte(fmt.Sprintf("record %d\n", i)), st)
		must(err)
		st = append(st, hs...)
		for _, want := range []int64{1, 2, 3, 4, 5, 7, 8, 13, 100, 255, 256, 257, 511, 512, 513, 600} {
			if i+1 == want {
				h, err := tlog.TreeHash(i+1, st)
				must(err)
				roots[i+1] = h.String()
			}
		}
	}
	empty, _ := tlog.TreeHash(0, nil)
	roots[0] = empty.String()
	var rps []rp
	for _, c := range [][2]int64{{1, 0}, {2, 1}, {7, 3}, {8, 7}, {13, 12}, {100, 42}, {257, 256}, {600, 0}, {600, 511}, {600, 599}} {
		p, err := tlog.ProveRecord(c[0], c[1], st)
		must(err)
		rps = append(rps, rp{c[0], c[1], b64s(p)})
	}
	var tps []tp
	for _, c := range [][2]int64{{1, 1}, {2, 1}, {7, 3}, {8, 4}, {13, 8}, {100, 7}, {257, 256}, {512, 257}, {600, 512}, {600, 513}, {600, 600}} {
		p, err := tlog.ProveTree(c[0], c[1], st)
		must(err)
		tps = append(tps, tp{c[0], c[1], b64s(p)})
	}
	// tile data hashes: sha via RecordHash of tile bytes
	tiles := map[string]string{}
	for _, t := range tlog.NewTiles(8, 0, 600) {
		d, err := tlog.ReadTileData(t, st)
		must(err)
		tiles[t.Path()] = tlog.RecordHash(d).String()
	}
	skey := "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
	signer, err := note.NewSigner(skey)
	must(err)
	h, _ := tlog.TreeHash(600, st)
	signed, err := note.Sign(&note.Note{Text: string(tlog.FormatTree(tlog.Tree{N: 600, Hash: h}))}, signer)
	must(err)
	write("tlog.json", map[string]any{"roots": roots, "records": rps, "trees": tps, "tiles": tiles,
		"verifier": "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "note": string(signed)})

	// tile paths
	type tpath struct {
		Level, Index, Width int64
		Path                string
	}
	var paths []tpath
	for _, t := range []tlog.Tile{{8, 0, 0, 256}, {8, 0, 0, 1}, {8, 1, 999, 256}, {8, 2, 1000, 255}, {8, 0, 1234067, 17}, {8, 0, 123456789012, 256}, {8, -1, 5, 9}, {8, -1, 1234567, 256}} {
		paths = append(paths, tpath{int64(t.L), t.N, int64(t.W), t.Path()})
	}
	write("tilepaths.json", paths)

	// names
	type pathV struct {
		Path    string
		Ok      bool
		Escaped string
	}
	var pv []pathV
	for _, p := range []string{"x.y/z", "x.y", "", "/x.y/z", "x./z", ".x/z", "-x/z", "x..y/z", "x.y/z/../../w", "x.y//z", "x.y/z/", "x.y/z/v0", "x.y/z/v1", "x.y/z/v2", "x.y/z/v2.0", "x.y/z/v02", "x.y/z/v10", "x.y/z/v", "X.y/z", "!x.y/z", "_x.y/z", "x.y/z%41", "x.y/z+", "x.y/z ", "x.y/z@v1", "x.y/z~", "x.y/z~1", "x.y/a~1.b/c", "x.y/z~a1", "x.y/CON", "x.y/con.txt", "x.y/aux/z", "x.y/com1", "x.y/com0", "x.y/.git", "x.y/a.", "x.y/...", "x.y/é", "github.com/BurntSushi/toml", "github.com/Azure/azure-sdk-for-go", "gopkg.in/yaml.v2", "gopkg.in/yaml.v0", "gopkg.in/yaml.v00", "gopkg.in/yaml", "gopkg.in/yaml.v1-unstable", "gopkg.in/yaml.v0-unstable", "gopkg.in/yaml.v2.1", "golang.org/toolchain", "localhost/x", "x.y/a_b-c.d~e"} {
		e, err := module.EscapePath(p)
		pv = append(pv, pathV{p, err == nil, e})
	}
	type relV struct {
		Path, Version string
		Ok            bool
	}
	var rv []relV
	for _, c := range [][2]string{{"rsc.io/quote", "v1.5.2"}, {"rsc.io/quote", "v2.0.0"}, {"rsc.io/quote", "v17.0.0+incompatible"}, {"rsc.io/quote", "v1.5"}, {"rsc.io/quote", "v1"}, {"rsc.io/quote", "1.5.2"}, {"rsc.io/quote", "v1.5.2+meta"}, {"rsc.io/quote", "v01.5.2"}, {"rsc.io/quote", "v1.5.2-pre"}, {"rsc.io/quote", "v1.5.2-01"}, {"rsc.io/quote", "v1.5.2-0a"}, {"rsc.io/quote", "v0.0.0-20180214005840-23179ee8a569"}, {"rsc.io/quote/v3", "v3.1.0"}, {"rsc.io/quote/v3", "v2.1.0"}, {"rsc.io/quote/v3", "v3.1.0+incompatible"}, {"gopkg.in/yaml.v2", "v2.4.0"}, {"gopkg.in/yaml.v2", "v1.0.0"}, {"gopkg.in/check.v1", "v0.0.0-20160102150405-abcdef123456"}, {"gopkg.in/check.v1", "v0.0.0"}, {"gopkg.in/a.v3-unstable", "v3.0.0"}, {"golang.org/toolchain", "v0.0.1-go1.22.0.linux-amd64"}, {"rsc.io/quote", "master"}, {"rsc.io/quote", "v1.2.3-"}, {"rsc.io/quote", "v1.2.3-a..b"}, {"rsc.io/quote", "v1.2.3-RC1"}} {
		ok := module.Check(c[0], c[1]) == nil && module.CanonicalVersion(c[1]) == c[1]
		rv = append(rv, relV{c[0], c[1], ok})
	}
	type verV struct {
		Version string
		Ok      bool
		Escaped string
	}
	var vv []verV
	for _, v := range []string{"v1.0.0", "master", "release-1.2", "v1.0.0-RC1", "abc123", "a/b", "a!b", "", ".", "..", "a.", "CON", "con.1", "a b", "a#b", "a%b", "a?b", "a*b", "a:b", "a\\b", "a<b", "é", "HEAD", "a@b", "~1", "a~1"} {
		e, err := module.EscapeVersion(v)
		vv = append(vv, verV{v, err == nil, e})
	}
	type globV struct {
		Patterns string
		Path     string
		Ok       bool
	}
	var gv []globV
	for _, c := range [][2]string{{"git.example.com", "git.example.com/a/b"}, {"git.example.com/*", "git.example.com"}, {"git.example.com/*", "git.example.com/a/b"}, {"*.example.com", "git.example.com/a"}, {"*.example.com", "example.com/a"}, {"example.com/a/", "example.com/a/b"}, {"example.com/a", "example.com/ab"}, {"example.com/a?", "example.com/ab/c"}, {"example.com/[ab]c", "example.com/ac"}, {"example.com/[ab]c", "example.com/cc"}, {"example.com/[^ab]c", "example.com/cc"}, {"a.com,b.com", "b.com/x"}, {"b.co.", "b.com/x"}} {
		gv = append(gv, globV{c[0], c[1], module.MatchPrefixPatterns(c[0], c[1])})
	}
	sorted := []string{"v1.0.0", "v1.0.0-rc.1", "v1.0.0-rc.10", "v1.0.0-rc.2", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-1", "v1.0.0-0.20200101000000-abcdefabcdef", "v0.9.9", "v10.0.0+incompatible", "v2.0.0+incompatible", "v1.10.0", "v1.9.0", "v123456789012345678901234567890.0.0", "v1.0.0-99999999999999999999", "v1.0.0-100000000000000000000", "v1.0.0-RC1", "v1.0.0-a-b"}
	semver.Sort(sorted)
	write("names.json", map[string]any{"paths": pv, "releases": rv, "versions": vv, "globs": gv, "order": sorted})

	// dirhash
	var buf bytes.Buffer
	zw := zip.NewWriter(&buf)
	big := bytes.Repeat([]byte("all work and no play makes jack a dull boy\n"), 60000)
	for _, f := range []struct {
		name   string
		data   []byte
		method uint16
	}{{"example.com/m@v1.0.0/go.mod", []byte("module example.com/m\n"), zip.Deflate}, {"example.com/m@v1.0.0/b.go", []byte("package m\n"), zip.Store}, {"example.com/m@v1.0.0/a/é.go", []byte("package a\n"), zip.Deflate}, {"example.com/m@v1.0.0/empty", nil, zip.Deflate}, {"example.com/m@v1.0.0/Z.txt", big, zip.Deflate}} {
		w, err := zw.CreateHeader(&zip.FileHeader{Name: f.name, Method: f.method, Modified: time.Unix(0, 0)})
		must(err)
		w.Write(f.data)
	}
	must(zw.Close())
	must(os.WriteFile("module.zip", buf.Bytes(), 0666))
	hz, err := dirhash.HashZip("module.zip", dirhash.Hash1)
	must(err)
	must(os.MkdirAll("d", 0777))
	must(os.WriteFile("d/go.mod", []byte("module example.com/m\n"), 0666))
	hm, err := dirhash.HashDir("d", "", dirhash.Hash1)
	must(err)
	var twice bytes.Buffer
	zw = zip.NewWriter(&twice)
	for i := 0; i < 2; i++ {
		w, err := zw.Create("example.com/m@v1.0.0/go.mod")
		must(err)
		fmt.Fprintf(w, "module example.com/m%d\n", i)
	}
	must(zw.Close())
	write("dirhash.json", map[string]any{"repeated": base64.StdEncoding.EncodeToString(twice.Bytes()), "zip": base64.StdEncoding.EncodeToString(buf.Bytes()), "h1": hz, "mod": "module example.com/m\n", "h1mod": hm})
}
