"""Gymnasium-compatible environments over libfiredrill_learn.so, by ctypes; NumPy is used when it is there.

    env = FiredrillEnv()                 # one service; FiredrillEnv("sim12") for twelve
    obs, info = env.reset(seed=3)
    obs, reward, terminated, truncated, info = env.step(4)

    batch = FiredrillVector("sim1", 64)  # rows in contiguous memory, no copies
    batch.reset(seed=3); batch.act[:] = ...; batch.step()

An action of sim12 is a pair (action, target). info carries "mask" (legal actions), "mask_target", and "columns" (the reward's parts).
"""
import ctypes
import json
import os

try:
    import numpy
except ImportError:
    numpy = None
try:
    import gymnasium
    from gymnasium import Env as _Base, spaces as _spaces
except ImportError:
    gymnasium = None
    _Base, _spaces = object, None

NEXT_STEP, SAME_STEP, DISABLED = range(3)
_BUFFERS = [  # name, type, width: 1, or a key of the spec
    ("obs", ctypes.c_float, "obs"), ("act", ctypes.c_uint8, 1), ("target", ctypes.c_uint16, 1), ("mask", ctypes.c_uint32, 1),
    ("mask_target", ctypes.c_uint32, 1), ("reward", ctypes.c_float, 1), ("columns", ctypes.c_float, 4), ("terminated", ctypes.c_uint8, 1),
    ("truncated", ctypes.c_uint8, 1), ("final_obs", ctypes.c_float, "obs"), ("episode_return", ctypes.c_double, 1)]
COLUMNS = ("stability", "recovery-cost", "disruption", "over-recovery")
BLOB_BYTES = 4096


class LearnError(RuntimeError):
    """The library's own sentence."""


def library(path=None):
    """Loads the library from path, $FIREDRILL_LEARN_LIB, or the build folder beside this source."""
    here = os.path.dirname(os.path.abspath(__file__))
    candidates = [path, os.environ.get("FIREDRILL_LEARN_LIB")] if path or os.environ.get("FIREDRILL_LEARN_LIB") else [
        os.path.join(here, "..", "..", "build", preset, "lib", "libfiredrill_learn.so") for preset in ("release", "dev")]
    for candidate in candidates:
        if candidate and os.path.exists(candidate):
            lib = ctypes.CDLL(os.path.abspath(candidate))
            break
    else:
        raise LearnError("libfiredrill_learn.so was not found; build it or set FIREDRILL_LEARN_LIB")
    p, u32, u64, size = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_size_t
    for name, result, args in [
            ("fdl_abi_version", ctypes.c_int, []), ("fdl_error", ctypes.c_char_p, []),
            ("fdl_env_open", ctypes.c_int, [ctypes.c_char_p, u32, ctypes.c_int, u32, ctypes.POINTER(p)]), ("fdl_env_close", None, [p]),
            ("fdl_env_reset", ctypes.c_int, [p, u64, p]), ("fdl_env_step", ctypes.c_int, [p]), ("fdl_env_buffer", p, [p, ctypes.c_int]),
            ("fdl_env_spec_json", size, [p, ctypes.c_char_p, size]), ("fdl_env_save", ctypes.c_int, [p, u32, p, ctypes.POINTER(size)]),
            ("fdl_env_load", ctypes.c_int, [p, u32, p, size]), ("fdl_env_check", ctypes.c_int, [ctypes.c_char_p]),
            ("fdl_model_open", ctypes.c_int, [ctypes.c_char_p, size, ctypes.POINTER(p)]), ("fdl_model_close", None, [p]),
            ("fdl_model_start", ctypes.c_int, [p, p, size]), ("fdl_model_feel", ctypes.c_int, [p, ctypes.c_int, p, size]),
            ("fdl_model_advise_json", size, [p, ctypes.c_char_p, ctypes.c_char_p, size])]:
        function = getattr(lib, name)
        function.restype, function.argtypes = result, args
    if lib.fdl_abi_version() != 1:
        raise LearnError("the library speaks ABI version %d, this module 1" % lib.fdl_abi_version())
    return lib


def _ok(lib, code):
    if code:
        raise LearnError(lib.fdl_error().decode())


def _text(call):
    need = call(None, 0)
    room = ctypes.create_string_buffer(need)
    call(room, need)
    return room.value.decode()


class FiredrillVector:
    """n episodes at once. Buffers (obs, act, ...) are the library's own memory: NumPy arrays, or ctypes arrays without NumPy."""

    def __init__(self, id="sim1", n=1, autoreset=NEXT_STEP, max_steps=0, lib=None):
        self._lib, self._handle = lib or library(), ctypes.c_void_p()
        _ok(self._lib, self._lib.fdl_env_open(id.encode(), n, autoreset, max_steps, ctypes.byref(self._handle)))
        self.num_envs = n
        self.spec_json = json.loads(_text(lambda room, size: self._lib.fdl_env_spec_json(self._handle, room, size)))
        for index, (name, kind, width) in enumerate(_BUFFERS):
            columns = len(self.spec_json[width]) if isinstance(width, str) else width
            raw = (kind * (n * columns)).from_address(self._lib.fdl_env_buffer(self._handle, index))
            if numpy is not None:
                raw = numpy.frombuffer(raw, dtype=numpy.dtype(kind))
                raw = raw.reshape(n, columns) if columns > 1 else raw
            setattr(self, name, raw)

    def reset(self, seed=0, rows=None):
        mask = None if rows is None else (ctypes.c_uint8 * self.num_envs)(*rows)
        _ok(self._lib, self._lib.fdl_env_reset(self._handle, seed, mask))
        return self.obs

    def step(self):
        _ok(self._lib, self._lib.fdl_env_step(self._handle))
        return self.obs, self.reward, self.terminated, self.truncated

    def save(self, row):
        room, size = ctypes.create_string_buffer(BLOB_BYTES), ctypes.c_size_t(BLOB_BYTES)
        _ok(self._lib, self._lib.fdl_env_save(self._handle, row, room, ctypes.byref(size)))
        return room.raw[:size.value]

    def load(self, row, blob):
        _ok(self._lib, self._lib.fdl_env_load(self._handle, row, blob, len(blob)))

    def close(self):
        if getattr(self, "_handle", None):
            for name, _, _ in _BUFFERS:  # the memory goes away with the handle
                setattr(self, name, None)
            self._lib.fdl_env_close(self._handle)
            self._handle = None

    __del__ = close


class FiredrillEnv(_Base):
    """One episode at a time, in Gymnasium's words. The time limit truncates, only an unrecoverable service terminates."""

    metadata = {"render_modes": ["ansi"]}

    def __init__(self, id="sim1", max_steps=0, lib=None, render_mode=None):
        self._batch = FiredrillVector(id, 1, DISABLED, max_steps, lib)
        self.spec_json, self.render_mode, self._seed, self._ended = self._batch.spec_json, render_mode, 0, True
        self.actions, self.targets = self.spec_json["actions"], self.spec_json["targets"]
        self.low, self.high = [o["lo"] for o in self.spec_json["obs"]], [o["hi"] for o in self.spec_json["obs"]]
        if _spaces is not None:
            self.observation_space = _spaces.Box(numpy.array(self.low, numpy.float32), numpy.array(self.high, numpy.float32), dtype=numpy.float32)
            self.action_space = (_spaces.Discrete(len(self.actions)) if len(self.targets) == 1
                                 else _spaces.MultiDiscrete([len(self.actions), len(self.targets)]))

    def _look(self):
        b = self._batch
        obs = b.obs[0].copy() if numpy is not None else list(b.obs)
        columns = b.columns[0] if numpy is not None else b.columns
        return obs, {"mask": int(b.mask[0]), "mask_target": int(b.mask_target[0]), "columns": dict(zip(COLUMNS, map(float, columns)))}

    def reset(self, *, seed=None, options=None):
        """A seed begins its first episode; without one the next episode of the same seed follows."""
        if gymnasium is not None:
            super().reset(seed=seed)
        if seed is not None or self._ended is None or not hasattr(self, "_begun"):
            self._seed = self._seed if seed is None else seed
            self._batch.reset(self._seed)
            self._begun = True
        else:
            self._batch.reset(self._seed, [1])
        self._ended = False
        return self._look()

    def step(self, action):
        if self._ended:
            raise LearnError("the episode has ended or not begun: call reset()")
        act, target = action if len(self.targets) > 1 else (action, 0)
        if not 0 <= int(act) < len(self.actions) or not 0 <= int(target) < len(self.targets):
            raise LearnError("action %r is out of range" % (action,))
        self._batch.act[0], self._batch.target[0] = int(act), int(target)
        self._batch.step()
        obs, info = self._look()
        terminated, truncated = bool(self._batch.terminated[0]), bool(self._batch.truncated[0])
        self._ended = terminated or truncated
        return obs, float(self._batch.reward[0]), terminated, truncated, info

    def render(self):
        obs, _ = self._look()
        return "  ".join("%s %.3g" % (o["name"], v) for o, v in zip(self.spec_json["obs"], obs))

    def close(self):
        self._batch.close()


class Advisor:
    """A trained model's advice for one service: start(obs), then feel(action, obs) and advise() each step."""

    def __init__(self, path, lib=None):
        self._lib, self._handle = lib or library(), ctypes.c_void_p()
        with open(path, "rb") as file:
            data = file.read()
        _ok(self._lib, self._lib.fdl_model_open(data, len(data), ctypes.byref(self._handle)))

    @staticmethod
    def _floats(obs):
        return (ctypes.c_float * len(obs))(*[float(x) for x in obs]), len(obs)

    def start(self, obs):
        _ok(self._lib, self._lib.fdl_model_start(self._handle, *self._floats(obs)))

    def feel(self, action, obs):
        _ok(self._lib, self._lib.fdl_model_feel(self._handle, action, *self._floats(obs)))

    def advise(self, target="service"):
        return json.loads(_text(lambda room, size: self._lib.fdl_model_advise_json(self._handle, target.encode(), room, size)))

    def close(self):
        if getattr(self, "_handle", None):
            self._lib.fdl_model_close(self._handle)
            self._handle = None

    __del__ = close
