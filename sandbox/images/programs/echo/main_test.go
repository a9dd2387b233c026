package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestTellsWhatItSaw(t *testing.T) {
	t.Setenv("ECHO_ENV", "GREETING, ABSENT")
	t.Setenv("GREETING", "hello")
	t.Setenv("OTHER", "not told")
	request := httptest.NewRequest(http.MethodPost, "http://echo.example.com/a/b", nil)
	request.Header.Set("X-Forwarded-For", "192.0.2.1")
	request.Header.Set("Cf-Connecting-Ip", "192.0.2.2")
	response := httptest.NewRecorder()
	handler().ServeHTTP(response, request)
	var got answer
	if err := json.Unmarshal(response.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Host != "echo.example.com" || got.Path != "/a/b" || got.Method != "POST" ||
		got.ForwardedFor != "192.0.2.1" || got.ConnectingIP != "192.0.2.2" {
		t.Errorf("told %+v", got)
	}
	if len(got.Env) != 1 || got.Env["GREETING"] != "hello" {
		t.Errorf("told the variables %v", got.Env)
	}
}

func TestServesWhatIsOpenWhenItEnds(t *testing.T) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := probe.Addr().String()
	probe.Close()
	ctx, end := context.WithCancel(context.Background())
	begun, finish := make(chan struct{}), make(chan struct{})
	slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
	})
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, address, slow) }()
	connection := dial(t, address)
	defer connection.Close()
	if _, err := connection.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	<-begun
	end()
	for !refused(address) {
		time.Sleep(10 * time.Millisecond)
	}
	close(finish)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("got %s, closed afterwards: %v", response.Status, response.Close)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	for {
		connection, err := net.Dial("tcp", address)
		if err == nil {
			return connection
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func refused(address string) bool {
	connection, err := net.Dial("tcp", address)
	if err == nil {
		connection.Close()
	}
	return err != nil
}
