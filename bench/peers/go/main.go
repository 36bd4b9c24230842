// Go's net/http as a peer: one transport, a goroutine for each connection.
//
// go URL -c CONNECTIONS [-m STREAMS] -n REQUESTS --ca FILE [--new] [--no-resume] [--idle]
// With -m by HTTP/2: a transport for each connection, and so many goroutines for each.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"runtime/debug"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const idleAtOnce = 64

var (
	url                     string
	connections, wanted     int64 = 1, 1
	streams, byHTTP2        int64
	fresh, idle             bool
	resume                  = true
	started, failed         int64
	resumed, bytes          int64
	said                    sync.Once
	transport               *http.Transport
	counted                 *httptrace.ClientTrace
	latencies               [][]uint32
	opening                 = make(chan struct{}, idleAtOnce)
	open, finished, release sync.WaitGroup
)

func fail(err error) {
	atomic.AddInt64(&failed, 1)
	said.Do(func() { fmt.Fprintln(os.Stderr, "go:", err) })
}

func get(transport *http.Transport) (*http.Response, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return nil, err
	}
	if fresh {
		request = request.WithContext(httptrace.WithClientTrace(request.Context(), counted))
	}
	response, err := transport.RoundTrip(request)
	if err == nil && response.ProtoMajor == 2 {
		atomic.AddInt64(&byHTTP2, 1)
	}
	if err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("status %d", response.StatusCode)
		response.Body.Close()
	}
	return response, err
}

func drain(response *http.Response) {
	count, err := io.Copy(io.Discard, response.Body)
	response.Body.Close()
	atomic.AddInt64(&bytes, count)
	if err != nil {
		fail(err)
	}
}

func work(index int, transport *http.Transport) {
	defer finished.Done()
	for atomic.AddInt64(&started, 1) <= wanted {
		begun := time.Now()
		response, err := get(transport)
		if err != nil {
			fail(err)
		} else {
			drain(response)
		}
		latencies[index] = append(latencies[index], uint32(time.Since(begun).Microseconds()))
	}
}

// The answer is read only when all have one, or the pool would give the connection to the next.
func hold() {
	defer finished.Done()
	opening <- struct{}{}
	response, err := get(transport)
	<-opening
	open.Done()
	release.Wait()
	if err != nil {
		fail(err)
		return
	}
	drain(response)
}

func options() string {
	ca := ""
	for i := 1; i < len(os.Args); i++ {
		switch os.Args[i] {
		case "-c":
			i++
			connections, _ = strconv.ParseInt(os.Args[i], 10, 64)
		case "-m":
			i++
			streams, _ = strconv.ParseInt(os.Args[i], 10, 64)
		case "-n":
			i++
			wanted, _ = strconv.ParseInt(os.Args[i], 10, 64)
		case "--ca":
			i++
			ca = os.Args[i]
		case "--new":
			fresh = true
		case "--no-resume":
			resume = false
		case "--idle":
			idle = true
		default:
			url = os.Args[i]
		}
	}
	return ca
}

func stayIdle() {
	release.Add(1)
	open.Add(int(connections))
	finished.Add(int(connections))
	for i := int64(0); i < connections; i++ {
		go hold()
	}
	open.Wait()
	release.Done()
	finished.Wait()
	debug.FreeOSMemory()
	fmt.Println("idle")
	os.Stdin.Read(make([]byte, 1))
	if failed != 0 {
		os.Exit(1)
	}
}

func report() {
	all := []uint32{}
	for _, some := range latencies {
		all = append(all, some...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	fmt.Printf("{\"requests\": %d, \"failed\": %d, \"http2\": %d, \"resumed\": %d, "+
		"\"bytes\": %d, \"p50_us\": %d, \"p99_us\": %d}\n",
		len(all), failed, byHTTP2, resumed, bytes, all[len(all)/2], all[len(all)*99/100])
}

// The first request opens the connection, which the others share.
func multiplex(config *tls.Config) {
	latencies = make([][]uint32, connections*streams)
	finished.Add(int(connections * streams))
	for i := 0; i < int(connections); i++ {
		go func(first int) {
			own := &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true,
				DisableCompression: true}
			response, err := get(own)
			if err != nil {
				fail(err)
			} else {
				drain(response)
				atomic.AddInt64(&byHTTP2, -1)
			}
			for k := first; k < first+int(streams); k++ {
				go work(k, own)
			}
		}(i * int(streams))
	}
}

func main() {
	ca := options()
	config := &tls.Config{}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			panic(err)
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	if resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(64)
	}
	counted = &httptrace.ClientTrace{TLSHandshakeDone: func(state tls.ConnectionState, _ error) {
		if state.DidResume {
			atomic.AddInt64(&resumed, 1)
		}
	}}
	if streams > 0 {
		multiplex(config)
	} else {
		transport = &http.Transport{
			TLSClientConfig:     config,
			TLSNextProto:        map[string]func(string, *tls.Conn) http.RoundTripper{}, // HTTP/1.1
			MaxIdleConnsPerHost: int(connections),
			MaxConnsPerHost:     int(connections),
			DisableKeepAlives:   fresh,
			DisableCompression:  true,
			ReadBufferSize:      16 << 10,
		}
		if idle {
			stayIdle()
			return
		}
		latencies = make([][]uint32, connections)
		finished.Add(int(connections))
		for i := 0; i < int(connections); i++ {
			go work(i, transport)
		}
	}
	finished.Wait()
	report()
	if failed != 0 {
		os.Exit(1)
	}
}
