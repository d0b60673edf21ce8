// Command driver carries out commands with the Go client; tests/polyglot/README.md says which.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	stillframe "github.com/stillframe/stillframe/client/go"
)

// patience is how long a wait without a timeout of its own may take.
const patience = 30 * time.Second

type object = map[string]any

// driver has one client, and what the commands have opened by name.
type driver struct {
	client  *stillframe.Client
	handles map[string]*stillframe.Execution
	savers  map[string]*stillframe.Saver
	watches map[string]*stillframe.Watch
}

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string, in io.Reader, out io.Writer) error {
	config, err := configOf(arguments)
	if err != nil {
		return err
	}
	client, err := stillframe.New(config)
	if err != nil {
		return err
	}
	defer client.Close()
	d := &driver{
		client:  client,
		handles: map[string]*stillframe.Execution{},
		savers:  map[string]*stillframe.Saver{},
		watches: map[string]*stillframe.Watch{},
	}
	lines, answers := bufio.NewReader(in), json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			if err := answers.Encode(d.answer(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// configOf reads TARGET TENANT [--tls-ca FILE].
func configOf(arguments []string) (stillframe.Config, error) {
	if len(arguments) < 2 {
		return stillframe.Config{}, errors.New("usage: driver TARGET TENANT [--tls-ca FILE]")
	}
	config := stillframe.Config{Target: arguments[0], Tenant: arguments[1]}
	flags := flag.NewFlagSet("driver", flag.ContinueOnError)
	file := flags.String("tls-ca", "", "certificates to trust as roots")
	if err := flags.Parse(arguments[2:]); err != nil || *file == "" {
		return config, err
	}
	certificates, err := os.ReadFile(*file)
	if err != nil {
		return config, err
	}
	config.TLS = &tls.Config{RootCAs: x509.NewCertPool()}
	if !config.TLS.RootCAs.AppendCertsFromPEM(certificates) {
		return config, fmt.Errorf("%s has no certificate", *file)
	}
	return config, nil
}

// answer carries out one command.
func (d *driver) answer(line []byte) object {
	var command struct {
		Call string `json:"call"`
		Args args   `json:"args"`
	}
	if err := json.Unmarshal(keepSurrogates(line), &command); err != nil {
		return object{"error": errorOf(err)}
	}
	call, known := calls[command.Call]
	if !known {
		return object{"error": errorOf(fmt.Errorf("there is no call %q", command.Call))}
	}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if timeout := command.Args.Timeout; timeout != nil {
		ctx, cancel = context.WithTimeout(ctx, seconds(*timeout))
	}
	defer cancel()
	ok, err := call(ctx, d, &command.Args)
	if err != nil {
		return object{"error": errorOf(err)}
	}
	return object{"ok": ok}
}

func errorOf(err error) object {
	var failure *stillframe.Error
	var encode *stillframe.ValueEncodeError
	var decode *stillframe.ValueDecodeError
	switch {
	case errors.As(err, &encode):
		return object{
			"reason": stillframe.ReasonValueEncode, "code": stillframe.CodeInvalidArgument.String(),
			"message": err.Error(),
		}
	case errors.As(err, &decode):
		return object{
			"reason": stillframe.ReasonValueDecode, "code": stillframe.CodeDataLoss.String(),
			"message": err.Error(),
		}
	case !errors.As(err, &failure):
		return object{"reason": "DRIVER", "code": "UNKNOWN", "message": err.Error()}
	}
	answer := object{
		"reason": failure.Reason, "code": failure.Code.String(), "message": failure.Message,
	}
	if len(failure.Metadata) > 0 {
		answer["metadata"] = failure.Metadata
	}
	if len(failure.Violations) > 0 {
		fields := []string{}
		for _, each := range failure.Violations {
			fields = append(fields, each.Field)
		}
		answer["fields"] = fields
	}
	if failure.RetryAfter > 0 {
		answer["retry_after"] = failure.RetryAfter.Seconds()
	}
	return answer
}
