// Command main checks a published C2SP tile directory with Go's reference implementation
// (golang.org/x/mod/sumdb): the checkpoint's signature, every tile against the entries, and the
// inclusion and consistency proofs in a JSON file. It prints OK, or says what is wrong and fails.
//
// Usage: main <directory> <verifier key> <proofs.json>
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// proofs is the JSON file; hashes are standard base64.
type proofs struct {
	Inclusion []struct {
		Index, Size int64
		Root        string
		Proof       []string
	}
	Consistency []struct {
		Old, New         int64
		OldRoot, NewRoot string
		Proof            []string
	}
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: main <directory> <verifier key> <proofs.json>")
	}
	tree := openCheckpoint(os.Args[1], os.Args[2])
	leaves := checkEntriesAndTiles(os.Args[1], tree)
	inclusion, consistency := checkProofs(os.Args[3], leaves)
	fmt.Printf("OK %d entries, %d inclusion proofs, %d consistency proofs\n",
		tree.N, inclusion, consistency)
}

// openCheckpoint verifies the signed note and returns the tree that it says.
func openCheckpoint(directory, vkey string) tlog.Tree {
	verifier, err := note.NewVerifier(vkey)
	check(err, "verifier key")
	opened, err := note.Open(read(directory, "checkpoint"), note.VerifierList(verifier))
	check(err, "checkpoint note")
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("checkpoint is not three lines under the key's name")
	}
	var tree tlog.Tree
	_, err = fmt.Sscanf(lines[1], "%d", &tree.N)
	check(err, "checkpoint size")
	tree.Hash = parseHash(lines[2])
	return tree
}

// checkEntriesAndTiles hashes every entry, recomputes every tile, and returns the leaf hashes.
func checkEntriesAndTiles(directory string, tree tlog.Tree) []tlog.Hash {
	var leaves, stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		name := tlog.Tile{H: height, L: -1, N: first >> height, W: int(width)}.Path()
		bundle := read(directory, strings.Replace(name, "tile/8/data", "tile/entries", 1))
		for i := int64(0); i < width; i++ {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				fail("entry bundle " + name + " is cut short")
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			hashes, err := tlog.StoredHashes(first+i, bundle[2:end], reader)
			check(err, "hashing")
			stored = append(stored, hashes...)
			leaves = append(leaves, tlog.RecordHash(bundle[2:end]))
			bundle = bundle[end:]
		}
		if len(bundle) != 0 {
			fail("entry bundle " + name + " has bytes after its entries")
		}
	}
	root, err := tlog.TreeHash(tree.N, reader)
	check(err, "root hash")
	if root != tree.Hash {
		fail("entries do not have the checkpoint's root hash")
	}
	for _, tile := range tlog.NewTiles(height, 0, tree.N) {
		last := tree.N >> uint(height*tile.L) & (1<<height - 1)
		if tile.W != 1<<height && int64(tile.W) != last {
			continue // a partial tile of a smaller tree, which need not have had a checkpoint
		}
		want, err := tlog.ReadTileData(tile, reader)
		check(err, "tile")
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		if !bytes.Equal(read(directory, name), want) {
			fail(name + " does not have the hashes of the entries")
		}
	}
	return leaves
}

// checkProofs verifies the proofs in the JSON file.
func checkProofs(file string, leaves []tlog.Hash) (inclusion, consistency int) {
	data, err := os.ReadFile(file)
	check(err, "proofs")
	var all proofs
	check(json.Unmarshal(data, &all), "proofs")
	for _, one := range all.Inclusion {
		proof := tlog.RecordProof(parseHashes(one.Proof))
		err := tlog.CheckRecord(proof, one.Size, parseHash(one.Root), one.Index, leaves[one.Index])
		check(err, fmt.Sprintf("inclusion of %d in %d", one.Index, one.Size))
	}
	for _, one := range all.Consistency {
		proof := tlog.TreeProof(parseHashes(one.Proof))
		err := tlog.CheckTree(proof, one.New, parseHash(one.NewRoot), one.Old, parseHash(one.OldRoot))
		check(err, fmt.Sprintf("consistency from %d to %d", one.Old, one.New))
	}
	return len(all.Inclusion), len(all.Consistency)
}

func parseHashes(texts []string) []tlog.Hash {
	hashes := make([]tlog.Hash, len(texts))
	for i, text := range texts {
		hashes[i] = parseHash(text)
	}
	return hashes
}

func parseHash(text string) (hash tlog.Hash) {
	data, err := base64.StdEncoding.DecodeString(text)
	check(err, "hash")
	if copy(hash[:], data) != len(data) || len(data) != len(hash) {
		fail("hash is not 32 bytes: " + text)
	}
	return hash
}

func read(directory, name string) []byte {
	data, err := os.ReadFile(filepath.Join(directory, filepath.FromSlash(name)))
	check(err, name)
	return data
}

func check(err error, what string) {
	if err != nil {
		fail(what + ": " + err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "FAILED "+message)
	os.Exit(1)
}
