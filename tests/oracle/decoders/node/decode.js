// Decodes trace requests, framed on standard input, and encodes them anew, with protobuf.js: decode.js DESCRIPTORS
"use strict";

const fs = require("fs");
const protobuf = require("protobufjs");
const descriptor = require("protobufjs/ext/descriptor");

const root = protobuf.Root.fromDescriptor(descriptor.FileDescriptorSet.decode(fs.readFileSync(process.argv[2])));
const Request = root.lookupType("opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest");

const input = fs.readFileSync(0);
const frame = (size) => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(size);
  return head;
};
for (let at = 0; at < input.length; ) {
  const start = at + 4;
  at = start + input.readUInt32LE(at);
  let again;
  try {
    again = Request.encode(Request.decode(input.subarray(start, at))).finish();
  } catch (error) {
    fs.writeSync(1, frame(0xffffffff));
    continue;
  }
  fs.writeSync(1, frame(again.length));
  for (let sent = 0; sent < again.length; ) sent += fs.writeSync(1, again, sent);
}
