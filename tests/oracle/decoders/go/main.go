// Decodes trace requests, framed on standard input, and encodes them anew: with protobuf-go or the Collector's pdata.
package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"

	"go.opentelemetry.io/collector/pdata/ptrace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

const refused = ^uint32(0)

func protobufGo(body []byte) ([]byte, error) {
	var traces tracepb.TracesData
	if err := proto.Unmarshal(body, &traces); err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&traces)
}

func pdata(body []byte) ([]byte, error) {
	traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(body)
	if err != nil {
		return nil, err
	}
	return (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
}

func main() {
	decode := map[string]func([]byte) ([]byte, error){"protobuf-go": protobufGo, "pdata": pdata}[os.Args[1]]
	in, out := bufio.NewReader(os.Stdin), bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var size uint32
		if err := binary.Read(in, binary.LittleEndian, &size); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(in, body); err != nil {
			panic(err)
		}
		again, err := decode(body)
		if err != nil {
			binary.Write(out, binary.LittleEndian, refused)
			continue
		}
		binary.Write(out, binary.LittleEndian, uint32(len(again)))
		out.Write(again)
	}
}
