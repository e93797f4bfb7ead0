"""A client and a worker of the wire protocol that share no code with the project: generated stubs alone.

The worker's scores are a pure function of model, sample and plane, so that whoever reads a result can tell whether it is
the right one, whatever has happened in between.
"""

import hashlib
import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import threading
import time

import grpc
from headscope.v1 import (attribution_service_pb2 as jobs_pb, attribution_service_pb2_grpc as jobs_grpc,
                          compute_pb2, dataset_pb2, dataset_service_pb2 as datasets_pb,
                          dataset_service_pb2_grpc as datasets_grpc, job_pb2, model_service_pb2 as models_pb,
                          model_service_pb2_grpc as models_grpc, pattern_service_pb2 as patterns_pb,
                          pattern_service_pb2_grpc as patterns_grpc, tensor_pb2)
from headscope.worker.v1 import worker_service_pb2 as worker_pb, worker_service_pb2_grpc as worker_grpc

BIN = pathlib.Path(os.environ["HEADSCOPE_BIN"])
LAYERS, HEADS = 2, 4
PLANES = ("prompt_absolute", "prompt_signed", "response_absolute", "response_signed")
CALL_SECONDS = 60
PROTOCOL = 2


def wait_for(condition, seconds, what):
    """Polls until condition() is true; fails loudly instead of hanging."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds} s")


def digest_of(model):
    return hashlib.sha256(b"model " + model.encode()).digest()


def scores_of(model_digest, sample, plane):
    """[LAYERS * HEADS] float32 as bytes: what the played worker says of a sample, for ever."""
    seed = hashlib.sha256(model_digest + sample.encode() + b"/" + plane.encode()).digest()
    draw = random.Random(seed)
    values = [draw.uniform(-1, 1) for _ in range(LAYERS * HEADS)]
    if plane.endswith("absolute"):
        values = [abs(value) for value in values]
    return struct.pack(f"<{len(values)}f", *values)


class Digest:
    """proto/support/wire/block_digest.h, from its description."""

    def __init__(self):
        self.hash = hashlib.sha256()

    def u32(self, value):
        self.hash.update(struct.pack("<I", value))

    def u32s(self, values):
        self.u32(len(values))
        self.hash.update(struct.pack(f"<{len(values)}I", *values))

    def text(self, value):
        value = value if isinstance(value, bytes) else value.encode()
        self.u32(len(value))
        self.hash.update(value)

    def scores(self, block):
        self.u32(1)
        self.u32s(block.samples)
        self.u32s(block.tokens)
        self.u32s(block.response_tokens)
        self.u32(len(block.objective))
        self.hash.update(struct.pack(f"<{len(block.objective)}d", *block.objective))
        self.u32(len(block.planes))
        for name in sorted(block.planes):
            self.text(name)
            self.u32s(block.planes[name].shape)
            self.text(block.planes[name].data)

    def prepared(self, block):
        self.u32(2)
        self.u32s(block.samples)
        self.u32s(block.tokens)
        self.u32s(block.prompt_tokens)
        self.u32(len(block.invalid))
        for sample in block.invalid:
            self.u32(sample.index)
            self.text(sample.id)
            self.text(sample.reason)
            self.text(sample.message)


class Server:
    """One headscope-server process without workers of its own."""

    def __init__(self, data, *flags, env=None):
        self.data, self.flags, self.env, self.process = pathlib.Path(data), list(flags), env or {}, None
        self.addresses = None
        self.log_path = self.data.parent / (self.data.name + ".log")

    def start(self, seconds=60):
        ready = self.data.parent / (self.data.name + ".ready")
        ready.unlink(missing_ok=True)
        at = self.addresses or {}
        command = [str(BIN / "headscope-server"), "--data-dir", str(self.data), "--ready-file", str(ready),
                   "--listen", at.get("listen", "127.0.0.1:0"), "--worker-listen",
                   at.get("worker_listen", "127.0.0.1:0"), "--metrics-listen",
                   at.get("metrics_listen", "127.0.0.1:0"), *self.flags]
        begun = time.monotonic()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | self.env)

        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"server ended with {self.process.returncode}:\n{self.log()}")
            return ready.exists()

        wait_for(is_ready, seconds, "server ready")
        self.start_seconds = time.monotonic() - begun
        self.addresses = json.loads(ready.read_text())
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"server did not stop within 60 s of SIGTERM:\n{self.log()}")

    def log(self):
        return self.log_path.read_text(errors="replace")[-6000:]

    def resident_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        return 0

    def descriptors(self):
        return len(list(pathlib.Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def files(self):
        """Files and bytes in the data folder."""
        found = [path.stat() for path in self.data.rglob("*") if path.is_file()]
        return len(found), sum(stat.st_size for stat in found)


class Client:
    """The public services over one channel."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(server.addresses["listen"],
                                             options=[("grpc.max_reconnect_backoff_ms", 200),
                                                      ("grpc.initial_reconnect_backoff_ms", 50),
                                                      ("grpc.min_reconnect_backoff_ms", 50)])
        self.jobs = jobs_grpc.AttributionServiceStub(self.channel)
        self.datasets = datasets_grpc.DatasetServiceStub(self.channel)
        self.models = models_grpc.ModelServiceStub(self.channel)
        self.patterns = patterns_grpc.PatternServiceStub(self.channel)

    def close(self):
        self.channel.close()

    def upload(self, samples, name=""):
        def parts():
            yield datasets_pb.UploadDatasetRequest(header=dataset_pb2.Dataset(display_name=name))
            for begin in range(0, len(samples), 500):
                yield datasets_pb.UploadDatasetRequest(
                    batch=dataset_pb2.SampleBatch(samples=samples[begin:begin + 500]))
            yield datasets_pb.UploadDatasetRequest(commit=datasets_pb.UploadDatasetRequest.Commit(
                sample_count=len(samples)))
        return self.datasets.UploadDataset(parts(), timeout=CALL_SECONDS).dataset

    def submit(self, model, dataset=None, samples=None, request_id="", **execution):
        spec = job_pb2.JobSpec(model=model, execution=job_pb2.Execution(**execution))
        if samples is not None:
            spec.inline_samples.samples.extend(samples)
        else:
            spec.dataset = dataset
        return self.jobs.SubmitJob(jobs_pb.SubmitJobRequest(spec=spec, request_id=request_id),
                                   timeout=CALL_SECONDS).job

    def job(self, name):
        return self.jobs.GetJob(jobs_pb.GetJobRequest(name=name), timeout=CALL_SECONDS).job

    def cancel(self, name):
        return self.jobs.CancelJob(jobs_pb.CancelJobRequest(name=name), timeout=CALL_SECONDS).job

    def delete(self, name):
        self.jobs.DeleteJob(jobs_pb.DeleteJobRequest(name=name), timeout=CALL_SECONDS)

    def result(self, name):
        """The safetensors file as a dict of bytes, with its digest checked."""
        data, digest = bytearray(), b""
        for part in self.jobs.ReadResult(jobs_pb.ReadResultRequest(name=name), timeout=CALL_SECONDS):
            assert part.offset == len(data), "chunks out of order"
            data += part.data
            digest = part.sha256 or digest
        assert hashlib.sha256(data).digest() == digest, "the file is not what its digest says"
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        return {name: bytes(data[8 + size + begin:8 + size + end])
                for name, (begin, end) in ((n, t["data_offsets"]) for n, t in header.items() if n != "__metadata__")}

    def check_result(self, name, model):
        """Every plane of every sample is what the played worker said."""
        tensors = self.result(name)
        ids = json.loads(tensors["ids"])
        for plane in PLANES:
            wanted = b"".join(scores_of(digest_of(model), sample, plane) for sample in ids)
            assert tensors[plane] == wanted, f"{name}: plane {plane} is not what was handed in"
        return ids


def make_samples(count, seed):
    draw = random.Random(seed)
    samples = []
    for index in range(count):
        length = draw.randint(4, 60)
        tokens = dataset_pb2.TokenIds(ids=[draw.randrange(1000) for _ in range(length)],
                                      prompt_tokens=draw.randrange(length - 1))
        samples.append(dataset_pb2.Sample(id=f"s{seed}-{index}", input=dataset_pb2.Input(tokens=tokens)))
    return samples


class PlayedWorker:
    """A worker thread: leases, computes scores_of, hands in. Survives restarts of the server."""

    def __init__(self, server, worker_id, models, seconds_per_shard=0.0, devices=1):
        self.address, self.id, self.models = server.addresses["worker_listen"], worker_id, list(models)
        self.pause, self.stopping = seconds_per_shard, threading.Event()
        self.boot = os.urandom(16)
        self.completed = 0
        # Called with (worker, shard) before a SCORE shard is computed; may raise or answer "fail"/"drop".
        self.on_score = None
        self.errors = []
        self.thread = threading.Thread(target=self.run, name=worker_id, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.stopping.set()
        self.thread.join(30)
        assert not self.thread.is_alive(), f"worker {self.id} does not stop"

    def catalogue(self):
        return worker_pb.Catalogue(entries=[
            worker_pb.CatalogueEntry(model=model, digest=digest_of(model), family="gpt2", layers=LAYERS, heads=HEADS,
                                     kv_heads=HEADS, head_dim=8, vocabulary=1000, positions=1024, parameters=1000,
                                     weight_bytes=4000, stored_dtype="F32") for model in self.models])

    def run(self):
        while not self.stopping.is_set():
            channel = grpc.insecure_channel(self.address, options=[("grpc.max_reconnect_backoff_ms", 200),
                                                                   ("grpc.initial_reconnect_backoff_ms", 50),
                                                                   ("grpc.min_reconnect_backoff_ms", 50)])
            try:
                self.serve(worker_grpc.WorkerServiceStub(channel))
            except grpc.RpcError as error:
                if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED,
                                        grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED):
                    self.errors.append(f"{error.code().name}: {error.details()}")
                self.stopping.wait(0.1)
            finally:
                channel.close()

    def open(self, stub):
        request = worker_pb.OpenSessionRequest(worker_id=self.id, boot_id=self.boot, build="played", device="cpu",
                                               methods=["gradient"], catalogue=self.catalogue())
        fields = worker_pb.OpenSessionRequest.DESCRIPTOR.fields_by_name
        if "max_protocol" in fields:
            request.min_protocol = request.max_protocol = PROTOCOL
        else:
            request.protocol_version = 1
        return stub.OpenSession(request, timeout=CALL_SECONDS)

    def serve(self, stub):
        session = self.open(stub)
        ids = {"session": session.session, "epoch": session.epoch}
        held, lost, lock = {}, threading.Event(), threading.Lock()

        def beat():
            while not lost.is_set() and not self.stopping.is_set():
                with lock:
                    leases = [worker_pb.Held(lease=lease) for lease in held.values()]
                try:
                    stub.Heartbeat(worker_pb.HeartbeatRequest(held=leases, immediate=True, **ids), timeout=10)
                except grpc.RpcError:
                    lost.set()
                lost.wait(1.0)

        beater = threading.Thread(target=beat, daemon=True)
        beater.start()
        try:
            while not self.stopping.is_set() and not lost.is_set():
                request = worker_pb.LeaseShardRequest(phases=[worker_pb.PHASE_PREPARE, worker_pb.PHASE_SCORE], **ids)
                request.max_wait.FromMilliseconds(500)
                shard = stub.LeaseShard(request, timeout=CALL_SECONDS)
                if not shard.HasField("shard"):
                    continue
                with lock:
                    held[shard.shard.lease.shard] = shard.shard.lease
                try:
                    self.work(stub, ids, shard.shard)
                finally:
                    with lock:
                        held.pop(shard.shard.lease.shard, None)
            if self.stopping.is_set():
                stub.CloseSession(worker_pb.CloseSessionRequest(**ids), timeout=5)
        finally:
            lost.set()
            beater.join(15)

    def work(self, stub, ids, shard):
        samples = []
        for part in stub.ReadDataset(worker_pb.ReadDatasetRequest(lease=shard.lease, **ids), timeout=CALL_SECONDS):
            samples.extend(part.batch.samples)
        assert len(samples) == len(shard.samples), "a shard's samples are not all there"
        header = worker_pb.CompleteShardRequest.Header(lease=shard.lease, model_digest=digest_of(shard.model), **ids)
        digest = Digest()
        if shard.phase == worker_pb.PHASE_PREPARE:
            block = worker_pb.PrepareBlock(samples=shard.samples, tokens=[len(s.input.tokens.ids) for s in samples],
                                           prompt_tokens=[s.input.tokens.prompt_tokens for s in samples])
            digest.prepared(block)
            parts = [worker_pb.CompleteShardRequest(prepared=block)]
        else:
            if self.on_score is not None and self.on_score(self, stub, ids, shard) is not None:
                return
            self.stopping.wait(self.pause)
            header.batch_tokens = shard.batch_tokens
            parts = []
            for begin in range(0, len(samples), 100):
                block = self.scores(shard, samples, begin, min(begin + 100, len(samples)))
                digest.scores(block)
                parts.append(worker_pb.CompleteShardRequest(scores=block))
        commit = worker_pb.CompleteShardRequest.Commit(sha256=digest.hash.digest())
        stream = [worker_pb.CompleteShardRequest(header=header), *parts, worker_pb.CompleteShardRequest(commit=commit)]
        stub.CompleteShard(iter(stream), timeout=CALL_SECONDS)
        self.completed += shard.phase == worker_pb.PHASE_SCORE

    def scores(self, shard, samples, begin, end):
        part = samples[begin:end]
        block = worker_pb.ScoreBlock(
            samples=shard.samples[begin:end], tokens=[len(s.input.tokens.ids) for s in part],
            response_tokens=[len(s.input.tokens.ids) - max(1, s.input.tokens.prompt_tokens) for s in part],
            objective=[1.5] * len(part))
        for plane in PLANES:
            block.planes[plane].CopyFrom(tensor_pb2.Tensor(
                dtype=tensor_pb2.DTYPE_FLOAT32, shape=[len(part), LAYERS, HEADS],
                data=b"".join(scores_of(digest_of(shard.model), s.id, plane) for s in part)))
        return block


ENDED = (job_pb2.Job.SUCCEEDED, job_pb2.Job.FAILED, job_pb2.Job.CANCELLED, job_pb2.Job.EXPIRED)
