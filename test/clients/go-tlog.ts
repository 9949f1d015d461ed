// A program of Go that checks a log by golang.org/x/mod/sumdb/tlog and note, as they come with the go command itself: nothing of ours is asked.
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/run.ts";
import { goCommand } from "./go-code.ts";

const PROGRAM = `package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// Paths are those of static logs: no height, and entries under their own name.
type tiles struct{ folder string }

func (tiles) Height() int { return 8 }

func (r tiles) read(path string, width int) []byte {
	data, err := os.ReadFile(filepath.Join(r.folder, path))
	if err != nil && width < 256 {
		data, err = os.ReadFile(filepath.Join(r.folder, strings.Split(path, ".p/")[0]))
	}
	must(err)
	return data
}

func (r tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data := r.read(path, tile.W)
		all = append(all, data[:tile.W*tlog.HashSize])
	}
	return all, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (r tiles) entries(size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		width := min(256, size-n*256)
		path := strings.Replace(tlog.Tile{H: 8, L: 0, N: n, W: int(width)}.Path(), "tile/8/0/", "tile/entries/", 1)
		for data := r.read(path, int(width)); len(data) > 0; {
			end := 2 + binary.BigEndian.Uint16(data)
			all = append(all, data[2:end])
			data = data[end:]
		}
	}
	return all[:size]
}

func open(path string, verifier note.Verifier) tlog.Tree {
	text, err := os.ReadFile(path)
	must(err)
	return tree(text, verifier)
}

func tree(text []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\\n")
	if lines[0] != verifier.Name() {
		must(fmt.Errorf("the origin is %s", lines[0]))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	return tlog.Tree{N: size, Hash: hash}
}

// Receipts: an entry, its index, its path and a checkpoint.
func receipt(path string, verifier note.Verifier) {
	text, err := os.ReadFile(path)
	must(err)
	head, checkpoint, _ := bytes.Cut(text, []byte("\\n\\n"))
	lines := strings.Split(string(head), "\\n")
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	must(err)
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		must(err)
		proof = append(proof, hash)
	}
	of := tree(checkpoint, verifier)
	must(tlog.CheckRecord(proof, of.N, of.Hash, index, tlog.RecordHash(entry)))
}

func main() {
	folder, key, older, proof := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	verifier, err := note.NewVerifier(key)
	must(err)
	before := open(older, verifier)
	now := open(filepath.Join(folder, "checkpoint"), verifier)
	reader := tiles{folder}
	hashes := tlog.TileHashReader(now, reader) // proves each tile against the root
	root, err := tlog.TreeHash(now.N, hashes)
	must(err)
	if root != now.Hash {
		must(fmt.Errorf("the tiles give another root"))
	}
	entries := reader.entries(now.N)
	for id, entry := range entries {
		inclusion, err := tlog.ProveRecord(now.N, int64(id), hashes)
		must(err)
		must(tlog.CheckRecord(inclusion, now.N, now.Hash, int64(id), tlog.RecordHash(entry)))
	}
	consistency, err := tlog.ProveTree(now.N, before.N, hashes)
	must(err)
	must(tlog.CheckTree(consistency, now.N, now.Hash, before.N, before.Hash))
	receipt(proof, verifier)
	fmt.Printf("%d entries, after %d\\n", len(entries), before.N)
}
`;

/** Builds it in `home`, without a network. Returns the path of the program. */
export async function buildChecker(go: string[], home: string): Promise<string> {
  const command = goCommand(go, home, { GOPROXY: "off", GOFLAGS: "-mod=mod" });
  const root = await command.must("env", "GOROOT");
  const [, language] = /^go(1\.\d+)/.exec(await command.must("env", "GOVERSION"))!;
  const work = join(home, "work");
  for (const name of ["note", "tlog"])
    cpSync(
      join(root, "src/cmd/vendor/golang.org/x/mod/sumdb", name),
      join(work, "mod/sumdb", name),
      { recursive: true, filter: (path) => !path.endsWith("_test.go") },
    );
  mkdirSync(join(work, "mod"), { recursive: true });
  writeFileSync(join(work, "mod/go.mod"), `module golang.org/x/mod\n\ngo ${language}\n`);
  writeFileSync(
    join(work, "go.mod"),
    `module work.example.test/work\n\ngo ${language}\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n`,
  );
  writeFileSync(join(work, "main.go"), PROGRAM);
  await command.must("build", "-o", join(home, "checker"), ".");
  return join(home, "checker");
}

/** Its exit code, and what it says. */
export async function check(program: string, ...args: string[]): Promise<[number, string]> {
  const { code, output } = await run([program, ...args], { cwd: "/" });
  return [code, output.trim()];
}
