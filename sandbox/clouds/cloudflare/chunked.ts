import { Transform } from "node:stream";

/**
 * Takes the content out of AWS's signed chunks, which belong to the client's key:
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export function unchunk(): Transform {
  let held = Buffer.alloc(0);
  let left = 0;
  let ended = false;
  return new Transform({
    transform(data: Buffer, _encoding, done) {
      held = Buffer.concat([held, data]);
      while (held.length > 0 && !ended) {
        if (left > 0) {
          const part = held.subarray(0, left);
          this.push(part);
          left -= part.length;
          held = held.subarray(part.length);
          continue;
        }
        const end = held.indexOf("\r\n");
        if (end === 0) {
          held = held.subarray(2);
          continue;
        }
        if (end < 0) break;
        left = parseInt(held.subarray(0, end).toString("latin1"), 16);
        held = held.subarray(end + 2);
        ended = left === 0;
      }
      done();
    },
  });
}
