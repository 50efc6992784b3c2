"""A real Slurm on this machine: slurmctld, several slurmd that pretend to be nodes, and a munged of their own.

    python tests/slurm/cluster.py           # keeps one running until Ctrl-C, and says how to use it

Needs root and Debian's packages slurm-wlm and munge, no systemd. All files lie in a temporary folder; the machine's own Slurm, if
it has one, is not touched.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "scancel", "scontrol", "squeue")
_SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])

# Without cgroups and accounting, more processors than there are, and quick: a requeued job may start after cred_expire, a batch
# job is looked at after batch_sched_delay, and what a time limit leaves running is killed after KillWait.
_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
FirstJobId={first_job}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=1,sched_interval=2
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=3
JobRequeue=1
{nodes}
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Return why no Slurm can be started here, in a sentence; None if one can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=_SEARCHED) is None]
    if absent:
        return f"no {', '.join(absent)}; on Debian and Ubuntu, as root: apt-get install --no-install-recommends slurm-wlm munge"
    if os.geteuid() != 0:
        return "starting a Slurm of one's own needs root"
    return None


class Cluster:
    """A Slurm that runs while the `with` block does.

    Args:
        nodes: number of pretended nodes, n1, n2, ...
        cpus: processors that each pretends to have.

    Attributes:
        environment: this process's variables, with those by which the Slurm commands find this cluster.
    """

    def __init__(self, nodes=3, cpus=4):
        self._nodes, self._cpus = nodes, cpus
        self._daemons = []
        self._folder = None
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM", "SBATCH"))}
        self.environment = kept | {"PATH": _SEARCHED}

    def __enter__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        if len(self._daemons) > 1:
            self._run("scancel", "--state=PENDING", check=False)
            self._run("scancel", "--signal=KILL", "--full", "--user=root", check=False)
            self._wait(lambda: not self.run("squeue", "--noheader", check=False).strip(), "the jobs to end", fatal=False)
        for process in reversed(self._daemons):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self._daemons):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, *command, check=True, cwd=None, **environment):
        """Run a Slurm command; return what it prints."""
        done = self._run(*command, check=False, cwd=cwd, **environment)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    def submit(self, script, folder, *options):
        """Submit a script, given as text; return the number of its job."""
        file = folder / f"{time.monotonic_ns()}.sbatch"
        file.write_text(script)
        return self.run("sbatch", "--parsable", *options, file, cwd=folder).strip()

    def describe(self, job):
        """Return what scontrol says of a job, field by field."""
        text = self.run("scontrol", "--oneliner", "show", "job", job)
        return dict(word.partition("=")[::2] for word in text.split())

    def wait_for(self, job, *states, timeout=180):
        """Wait until a job is in one of these states (COMPLETED, TIMEOUT, ...); return its description."""
        self._wait(lambda: self.describe(job)["JobState"] in states, f"job {job} to be {' or '.join(states)}", timeout)
        return self.describe(job)

    def _start(self):
        host = socket.gethostname().partition(".")[0]
        ports = _free_ports(self._nodes + 1)
        nodes = "\n".join(
            f"NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[number]} CPUs={self._cpus} RealMemory=1000"
            for number in range(1, self._nodes + 1)
        )
        (self._folder / "state").mkdir()
        conf, key, socket_file = self._folder / "slurm.conf", self._folder / "munge.key", self._folder / "munge.socket"
        # MPI names shared memory after the job, and a killed job leaves it: no job of another cluster has the same number.
        first_job = 1 + secrets.randbelow(10_000_000)
        conf.write_text(_CONF.format(host=host, ports=ports, folder=self._folder, nodes=nodes, first_job=first_job))
        self.environment["SLURM_CONF"] = str(conf)
        self._run("mungekey", "--create", f"--keyfile={key}")
        files = [f"--{name}={self._folder}/munge.{name.partition('-')[0]}" for name in ("pid-file", "log-file", "seed-file")]
        self._daemon("munged", "--foreground", "--force", f"--key-file={key}", f"--socket={socket_file}", *files)
        self._wait(socket_file.exists, "munged")
        self._daemon("slurmctld", "-D", "-c", "-f", conf)
        for number in range(1, self._nodes + 1):
            self._daemon("slurmd", "-D", "-f", conf, "-N", f"n{number}")
        idle = ["idle"] * self._nodes
        self._wait(lambda: self.run("sinfo", "-h", "-N", "-o", "%T", check=False).split() == idle, "the nodes to be idle")

    def _run(self, *command, check=True, cwd=None, **environment):
        words = [str(word) for word in command]
        variables = self.environment | environment
        return subprocess.run(words, check=check, capture_output=True, text=True, timeout=60, cwd=cwd, env=variables)

    def _daemon(self, name, *arguments):
        words = [shutil.which(name, path=_SEARCHED), *map(str, arguments)]
        with open(self._folder / f"{name}{len(self._daemons)}.log", "w") as log:
            process = subprocess.Popen(
                words,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                cwd=self._folder,
                start_new_session=True,
            )
        self._daemons.append(process)

    def _wait(self, ready, what, timeout=30, fatal=True):
        until = time.monotonic() + timeout
        while not ready():
            if time.monotonic() > until:
                if fatal:
                    raise TimeoutError(f"waited {timeout} s for {what}\n{self._logs()}")
                return
            time.sleep(0.2)

    def _logs(self):
        return "\n".join(f"{log.name}: " + log.read_text()[-2000:] for log in sorted(self._folder.glob("*.log")))


def _free_ports(number):
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


if __name__ == "__main__":
    if reason := missing():
        sys.exit(reason)
    with Cluster() as cluster:
        print(f"export SLURM_CONF={cluster.environment['SLURM_CONF']}", flush=True)
        print("in another shell, then sinfo, sbatch, ...; Ctrl-C here ends it", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
