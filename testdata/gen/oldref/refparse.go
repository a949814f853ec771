//go:build ref121

package trace

import "io"

// ParseForRef is Parse without the demand for a binary.
func ParseForRef(r io.Reader) (ParseResult, error) {
	_, res, err := parse(r, "")
	return res, err
}
