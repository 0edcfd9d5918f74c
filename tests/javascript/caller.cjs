// A caller over grpc-js: calls ADDRESS with the service config that it is given, each call with a name of its own, until its
// standard input ends. Says a line for each call: `answered NAME`, or `failed NAME CODE DETAILS`, with `begun` in the place of
// `failed` where the headers of the response came: from there on gRPC does not send a call again.
//
// usage: node caller.cjs ADDRESS [CONFIG]
const fs = require("node:fs");
const grpc = require("@grpc/grpc-js");

const [address, config] = process.argv.slice(2);
const options = config ? { "grpc.service_config": fs.readFileSync(config, "utf8") } : {};
const client = new grpc.Client(address, grpc.credentials.createInsecure(), {
  "grpc.max_reconnect_backoff_ms": 500,
  ...options,
});

let over = false;
process.stdin.resume().on("end", () => { over = true; });

function call(name) {
  const metadata = new grpc.Metadata();
  metadata.set("call-id", name);
  const bytes = (sent) => sent;
  return new Promise((resolve) => {
    const deadline = Date.now() + 30_000;
    let failed = "failed";
    const sent = client.makeUnaryRequest("/example.Retry/Call", bytes, bytes, Buffer.from(name), metadata, { deadline }, (error, answer) => {
      if (error) {
        console.log(`${failed} ${name} ${error.code} ${error.details}`);
      } else if (answer.toString() === name) {
        console.log(`answered ${name}`);
      } else {
        console.log(`failed ${name} it was answered otherwise`);
      }
      resolve();
    });
    sent.on("metadata", (headers) => {
      if (headers.get("call-id")[0] === name) {
        failed = "begun";
      }
    });
  });
}

async function load(caller) {
  for (let number = 0; !over; number += 1) {
    await call(`${caller}-${number}`);
  }
}

Promise.all([0, 1, 2, 3].map(load)).then(() => client.close());
