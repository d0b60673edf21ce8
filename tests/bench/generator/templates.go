package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

const (
	numberMark = "@@@@@@@@@@@@@@@@"
	slotMark   = "%%%%%%%%"
	scatter    = 2654435761
)

// Templates makes messages: in each, 16 @ become the message's number and 8 % the number
// of the sender, both in hexadecimal, so that no length changes.
type Templates struct {
	plan *Plan
	made []template
	next atomic.Int64
}

type template struct {
	body    []byte
	numbers []int
	slots   []int
}

func newTemplates(plan *Plan) *Templates {
	templates := &Templates{plan: plan}
	for _, body := range plan.Templates {
		templates.made = append(templates.made, template{
			body, positions(body, numberMark), positions(body, slotMark),
		})
	}
	return templates
}

func positions(body []byte, mark string) []int {
	var found []int
	for from := 0; ; {
		at := bytes.Index(body[from:], []byte(mark))
		if at < 0 {
			return found
		}
		found = append(found, from+at)
		from += at + len(mark)
	}
}

// take gives the number of the next message.
func (t *Templates) take() int64 { return t.next.Add(1) - 1 }

// build makes the message of a number for a sender.
func (t *Templates) build(number int64, slot int) []byte {
	chosen := t.made[(number+int64(slot))%int64(len(t.made))]
	body := bytes.Clone(chosen.body)
	filled := t.plan.First + number
	if t.plan.Modulo > 0 {
		filled = number * scatter % t.plan.Modulo
	}
	for _, at := range chosen.numbers {
		copy(body[at:], fmt.Sprintf("%016x", filled))
	}
	for _, at := range chosen.slots {
		copy(body[at:], fmt.Sprintf("%08x", slot))
	}
	return body
}

func ownCPU() float64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

// cpuOf reads user and system time of processes, in ticks of 10 ms.
func cpuOf(pids []int) float64 {
	var ticks int64
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// The name, in parentheses, may hold spaces.
		fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
		for _, field := range fields[11:13] {
			value, _ := strconv.ParseInt(field, 10, 64)
			ticks += value
		}
	}
	return float64(ticks) / 100
}
