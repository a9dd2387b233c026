// Package process runs the cluster's components as children of the k3s process.
package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
)

// Child is one component.
type Child struct {
	Name string
	Path string
	Args []string
	Env  []string // besides k3s's own
	Log  string   // a file for its output; standard error with a prefix when empty
}

// Group keeps the children and reports the first one that ends.
type Group struct {
	mutex    sync.Mutex
	running  []*started
	stopping bool
	ended    chan error
	spawn    chan func()
}

type started struct {
	Child
	command *exec.Cmd
	done    chan struct{}
}

// NewGroup makes a group. One thread lives as long as the process and starts every child, because the
// kernel ties a parent-death signal to the thread that forked.
func NewGroup() *Group {
	group := &Group{ended: make(chan error, 16), spawn: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for start := range group.spawn {
			start()
		}
	}()
	return group
}

// Ended receives the error of a child that ended by itself; k3s then exits as well.
func (g *Group) Ended() <-chan error { return g.ended }

// Fail reports a critical fault that is not a child's.
func (g *Group) Fail(err error) {
	g.mutex.Lock()
	stopping := g.stopping
	g.mutex.Unlock()
	if !stopping {
		g.ended <- err
	}
}

// Start runs a child until it ends or Stop is called.
func (g *Group) Start(child Child) error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if g.stopping {
		return fmt.Errorf("%s: k3s is stopping", child.Name)
	}
	command := exec.Command(child.Path, child.Args...)
	command.Env = append(os.Environ(), child.Env...)
	// Children must not outlive k3s: systemd's unit has KillMode=process, and a second etcd would find the
	// first one's ports taken. A group of their own keeps a terminal's Ctrl-C for k3s alone.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	output, err := pipe(command, child)
	if err != nil {
		return fmt.Errorf("%s: %w", child.Name, err)
	}
	failed := make(chan error)
	g.spawn <- func() { failed <- command.Start() }
	if err := <-failed; err != nil {
		return fmt.Errorf("start %s: %w", child.Name, err)
	}
	run := &started{Child: child, command: command, done: make(chan struct{})}
	g.running = append(g.running, run)
	go func() {
		output()
		err := command.Wait()
		close(run.done)
		g.Fail(fmt.Errorf("%s exited: %v", child.Name, reason(err)))
	}()
	return nil
}

func reason(err error) string {
	if err == nil {
		return "status 0"
	}
	return err.Error()
}

// pipe sends a child's output to its log file, or line by line with its name to standard error.
func pipe(command *exec.Cmd, child Child) (drain func(), err error) {
	if child.Log != "" {
		file, err := os.OpenFile(child.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, err
		}
		command.Stdout, command.Stderr = file, file
		return func() { file.Close() }, nil
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	command.Stdout, command.Stderr = writer, writer
	return func() {
		writer.Close()
		copyLines(reader, child.Name)
	}, nil
}

func copyLines(reader io.ReadCloser, name string) {
	defer reader.Close()
	lines := bufio.NewReaderSize(reader, 64<<10)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			if line[len(line)-1] != '\n' {
				line += "\n"
			}
			fmt.Fprintf(os.Stderr, "[%s] %s", name, line)
		}
		if err != nil {
			return
		}
	}
}

// Stop ends the children in the reverse order of their start. Containers are not children: their shims
// have detached from containerd and live on.
func (g *Group) Stop(grace time.Duration) {
	g.mutex.Lock()
	g.stopping = true
	running := g.running
	g.mutex.Unlock()
	for i := len(running) - 1; i >= 0; i-- {
		child := running[i]
		start := time.Now()
		_ = child.command.Process.Signal(syscall.SIGTERM)
		select {
		case <-child.done:
		case <-time.After(grace):
			_ = child.command.Process.Kill()
			<-child.done
		}
		logrus.Debugf("%s stopped after %s", child.Name, time.Since(start).Round(time.Millisecond))
	}
}

// Wait blocks until the context ends or a child did.
func (g *Group) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-g.ended:
		return err
	}
}
