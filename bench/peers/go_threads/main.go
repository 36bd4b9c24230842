// Go's net/http as a peer of a service: one client for many goroutines and some origins.
//
// go_threads URL... -c GOROUTINES -n REQUESTS --ca FILE [--http2]
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

var (
	urls            []string
	threads, wanted int64 = 1, 1
	http2           bool
	started, failed int64
	byHTTP2, bytes  int64
	opened          int64
	said            sync.Once
	client          *http.Client
	latencies       [][]uint32
	finished        sync.WaitGroup
)

func fail(err error) {
	atomic.AddInt64(&failed, 1)
	said.Do(func() { fmt.Fprintln(os.Stderr, "go:", err) })
}

// All of them: also those that nobody needed any more when they were there, which a request would not tell of.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	atomic.AddInt64(&opened, 1)
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func get(url string) error {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	count, err := io.Copy(io.Discard, response.Body)
	response.Body.Close()
	atomic.AddInt64(&bytes, count)
	if response.ProtoMajor == 2 {
		atomic.AddInt64(&byHTTP2, 1)
	}
	if err == nil && response.StatusCode != 200 {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return err
}

func work(index int) {
	defer finished.Done()
	for calls := index; atomic.AddInt64(&started, 1) <= wanted; calls++ {
		begun := time.Now()
		if err := get(urls[calls%len(urls)]); err != nil {
			fail(err)
		}
		latencies[index] = append(latencies[index], uint32(time.Since(begun).Microseconds()))
	}
}

func main() {
	config := &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(64)}
	for i := 1; i < len(os.Args); i++ {
		switch os.Args[i] {
		case "-c":
			i++
			threads, _ = strconv.ParseInt(os.Args[i], 10, 64)
		case "-n":
			i++
			wanted, _ = strconv.ParseInt(os.Args[i], 10, 64)
		case "--ca":
			i++
			pem, err := os.ReadFile(os.Args[i])
			if err != nil {
				panic(err)
			}
			config.RootCAs = x509.NewCertPool()
			config.RootCAs.AppendCertsFromPEM(pem)
		case "--http2":
			http2 = true
		default:
			urls = append(urls, os.Args[i])
		}
	}
	transport := &http.Transport{
		DialContext:         dial,
		TLSClientConfig:     config,
		ForceAttemptHTTP2:   http2,
		MaxIdleConnsPerHost: int(threads),
		DisableCompression:  true,
	}
	if !http2 {
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	client = &http.Client{Transport: transport}
	latencies = make([][]uint32, threads)
	finished.Add(int(threads))
	for i := 0; i < int(threads); i++ {
		go work(i)
	}
	finished.Wait()
	all := []uint32{}
	for _, some := range latencies {
		all = append(all, some...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	fmt.Printf("{\"requests\": %d, \"failed\": %d, \"http2\": %d, \"connections\": %d, "+
		"\"bytes\": %d, \"p50_us\": %d, \"p99_us\": %d}\n",
		len(all), failed, byHTTP2, opened, bytes, all[len(all)/2], all[len(all)*99/100])
	if failed != 0 {
		os.Exit(1)
	}
}
