"""One bucket of an S3 server, by the standard library alone: as much of it as the second line needs."""

import concurrent.futures
import datetime
import email.utils
import hashlib
import hmac
import http.client
import json
import re
import ssl
import threading
import time
import urllib.parse
import xml.etree.ElementTree as xml

TRIES = 6
AT_ONCE = 16


class Fault(Exception):
    """Why the work can't go on, in words for people."""


class Refused(Fault):
    def __init__(self, asked, status, said):
        code = re.search(r"<Code>([^<]*)", said)
        self.status, self.code = status, code.group(1) if code else ""
        super().__init__(f"R2 refused {asked}: {status} {self.code or said[:200]}")

    @property
    def locked(self):
        """By its code: its status was seen as 403, as documented, and as 409."""
        return self.code == "ObjectLockedByBucketPolicy"


def opened(path):
    """The bucket of K3s's own configuration, which has the values quoted as in JSON or not at all."""
    try:
        with open(path, encoding="utf-8") as file:
            pairs = dict(line.rstrip("\n").split(": ", 1) for line in file if ": " in line and not line.startswith("#"))
        value = lambda name: json.loads(pairs[name]) if pairs[name].startswith('"') else pairs[name]
        return Bucket(*(value(f"etcd-s3-{name}") for name in ("endpoint", "bucket", "access-key", "secret-key")))
    except (OSError, KeyError, ValueError) as error:
        raise Fault(f"{path} does not name a bucket and its key ({type(error).__name__}); fix: infra-k3s up") from None


def seconds(text):
    """Since 1970, of a time as S3 lists it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def encoded(text):
    return urllib.parse.quote(text, safe="-_.~")


class Bucket:
    def __init__(self, endpoint, name, key_id, secret):
        self.host, self.name, self.key_id, self.secret = endpoint, name, key_id, secret
        self.trust = ssl.create_default_context()
        self.own = threading.local()
        # The server's clock: the lock goes by it.
        self.now = 0.0

    def list(self, prefix):
        """{key: (bytes, when it was written)} of everything that begins so."""
        found, query = {}, {"list-type": "2", "prefix": prefix}
        while True:
            root = xml.fromstring(self.ask("GET", "", query))
            of = lambda node, name: next((one.text or "" for one in node if one.tag.rpartition("}")[2] == name), "")
            for one in root:
                if one.tag.rpartition("}")[2] == "Contents":
                    found[of(one, "Key")] = (int(of(one, "Size")), seconds(of(one, "LastModified")))
            if of(root, "IsTruncated") != "true":
                return found
            query["continuation-token"] = of(root, "NextContinuationToken")

    def read(self, key):
        return self.ask("GET", key)

    def write(self, key, body):
        self.ask("PUT", key, body=body)

    def delete(self, key):
        self.ask("DELETE", key)

    def copy(self, source, target):
        """Within the bucket: no byte of it comes here."""
        said = self.ask("PUT", target, headers={"x-amz-copy-source": f"/{self.name}/{urllib.parse.quote(source)}"})
        # A copy that fails once it has begun is told with 200: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
        if b"CopyObjectResult" not in said:
            raise Refused(f"to copy {source}", 200, said.decode(errors="replace"))

    def each(self, work, things):
        """Results of `work` for each thing, several at a time; the first fault ends it."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                return list(pool.map(work, things))
            except Fault:
                pool.shutdown(cancel_futures=True)
                raise

    def ask(self, method, key, query=(), headers=(), body=b""):
        path = "/".join(["", self.name, *map(encoded, key.split("/"))]) if key else f"/{self.name}"
        arguments = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sorted(dict(query).items()))
        for attempt in range(TRIES):
            if attempt:
                time.sleep(min(30, 2**attempt))
            last = attempt == TRIES - 1
            try:
                status, said = self.once(method, path, arguments, dict(headers), body)
            except (OSError, http.client.HTTPException) as error:
                self.own.connection = None
                if last:
                    raise Fault(f"{self.host} can't be reached: {error}") from None
                continue
            if 200 <= status < 300:
                return said
            if last or (status < 500 and status != 429):
                raise Refused(f"{method} {path}", status, said.decode(errors="replace"))

    def once(self, method, path, arguments, headers, body):
        connection = getattr(self.own, "connection", None)
        if connection is None:
            connection = self.own.connection = http.client.HTTPSConnection(self.host, timeout=120, context=self.trust)
        signed = self.signed(method, path, arguments, {**headers, "host": self.host}, body)
        connection.request(method, f"{path}?{arguments}" if arguments else path, body=body, headers=signed)
        with connection.getresponse() as response:
            said = response.read()
            when = email.utils.parsedate_to_datetime(response.headers["date"]) if "date" in response.headers else None
            self.now = time.time() if when is None else when.timestamp()
            if response.will_close:
                self.own.connection = None
            return response.status, said

    def signed(self, method, path, arguments, headers, body):
        """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{stamp[:8]}/auto/s3/aws4_request"
        digest = hashlib.sha256(body).hexdigest()
        headers = {**headers, "x-amz-date": stamp, "x-amz-content-sha256": digest}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        request = hashlib.sha256("\n".join((method, path, arguments, lines, names, digest)).encode()).hexdigest()
        key = b"AWS4" + self.secret.encode()
        for part in (*scope.split("/"), f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{request}"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
        return {**headers, "authorization": signature}
