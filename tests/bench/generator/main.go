// Command generator loads a server, and says on its standard output what came of it.
//
// It reads one plan as JSON from its standard input and writes one report as JSON. It
// sends prepared bytes and looks at as little of the answers as it can, so that it is
// not what limits the server; its own CPU time is in the report.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Plan is what to send, where, and for how long.
type Plan struct {
	// Kind is "unary", "pipeline", "watch", "starts", "cancel" or "redis".
	Kind   string `json:"kind"`
	Target string `json:"target"`
	Method string `json:"method"`
	// Templates are sent in turn. See Templates for what is filled in.
	Templates [][]byte `json:"templates"`
	InFlight  int      `json:"in_flight"`
	// WarmUp and Seconds say when counting begins and how long it lasts.
	WarmUp  float64 `json:"warm_up"`
	Seconds float64 `json:"seconds"`
	// Count ends the run after so many messages instead; everything counts.
	Count int64 `json:"count"`
	// First is the first number that is filled in. With Modulo, numbers below it are
	// filled in, in a scattered order.
	First  int64 `json:"first"`
	Modulo int64 `json:"modulo"`
	// Pids are processes whose CPU time is reported beside the generator's own.
	Pids []int `json:"pids"`
	// Watch is for the kinds "watch" and "cancel".
	Watch WatchPlan `json:"watch"`
}

// Report is what happened between the beginning and the end of counting.
type Report struct {
	Count   int64   `json:"count"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50"`
	P99     float64 `json:"p99"`
	// CPU seconds of the generator, and of Pids together.
	OwnCPU    float64 `json:"own_cpu"`
	ServerCPU float64 `json:"server_cpu"`
	Messages  int64   `json:"messages"`
}

// Meter counts what completes while counting is on.
type Meter struct {
	mutex     sync.Mutex
	begin     time.Time
	end       time.Time
	latencies []time.Duration
	messages  int64
	plan      *Plan
	before    usage
	after     usage
	measured  sync.WaitGroup
}

type usage struct{ own, server float64 }

func (m *Meter) usage() usage { return usage{ownCPU(), cpuOf(m.plan.Pids)} }

func newMeter(plan *Plan) *Meter {
	meter := &Meter{plan: plan}
	if plan.Count > 0 {
		meter.begin = time.Now()
		meter.before = meter.usage()
		return meter
	}
	now := time.Now()
	meter.begin = now.Add(time.Duration(plan.WarmUp * float64(time.Second)))
	meter.end = meter.begin.Add(time.Duration(plan.Seconds * float64(time.Second)))
	meter.measured.Add(1)
	go func() {
		defer meter.measured.Done()
		time.Sleep(time.Until(meter.begin))
		meter.before = meter.usage()
		time.Sleep(time.Until(meter.end))
		meter.after = meter.usage()
	}()
	return meter
}

// over tells whether no more is to be sent; number is the next message's.
func (m *Meter) over(number int64) bool {
	if m.plan.Count > 0 {
		return number >= m.plan.Count
	}
	return time.Now().After(m.end)
}

// done counts messages that were answered, sent at the times given.
func (m *Meter) done(sent ...time.Time) {
	now := time.Now()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if now.Before(m.begin) || !m.end.IsZero() && now.After(m.end) {
		return
	}
	m.messages++
	for _, each := range sent {
		m.latencies = append(m.latencies, now.Sub(each))
	}
}

func (m *Meter) report() Report {
	if m.plan.Count > 0 {
		m.end = time.Now()
		m.after = m.usage()
	}
	m.measured.Wait()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	slices.Sort(m.latencies)
	at := func(share float64) float64 {
		if len(m.latencies) == 0 {
			return 0
		}
		return m.latencies[int(share*float64(len(m.latencies)-1))].Seconds()
	}
	return Report{
		Count:     int64(len(m.latencies)),
		Seconds:   m.end.Sub(m.begin).Seconds(),
		P50:       at(0.5),
		P99:       at(0.99),
		OwnCPU:    m.after.own - m.before.own,
		ServerCPU: m.after.server - m.before.server,
		Messages:  m.messages,
	}
}

func run() error {
	var plan Plan
	if err := json.NewDecoder(os.Stdin).Decode(&plan); err != nil {
		return fmt.Errorf("the plan: %w", err)
	}
	kinds := map[string]func(*Plan) (Report, error){
		"unary": runUnary, "pipeline": runPipeline, "redis": runRedis,
		"watch": runWatch, "starts": runStarts, "cancel": runCancel,
	}
	kind, known := kinds[plan.Kind]
	if !known {
		return fmt.Errorf("no kind %q", plan.Kind)
	}
	report, err := kind(&plan)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
