#!/usr/bin/env python3
"""A port of Gymnasium's check_env, and what more our environments promise. Needs neither Gymnasium nor NumPy; with Gymnasium installed its own
checker runs, too. Ends with "N passed, N failed". Usage: check.py [LIBRARY [MODEL]]"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import firedrill_learn as fl  # noqa: E402

passed = failed = 0


def check(name, condition):
    global passed, failed
    passed, failed = passed + bool(condition), failed + (not condition)
    print("%s %s" % ("ok    " if condition else "not ok", name))


def inside(env, obs):
    return len(obs) == len(env.low) and all(lo <= x <= hi for lo, x, hi in zip(env.low, obs, env.high))


def same(a, b):
    return [float(x) for x in a] == [float(x) for x in b]


def raises(call):
    try:
        call()
    except fl.LearnError as error:
        return str(error)
    return ""


def act(env, t):
    return t % 5 if len(env.targets) == 1 else (t % 5, t % len(env.targets))


def play(env, seed, steps):
    obs, _ = env.reset(seed=seed)
    trace = [list(map(float, obs))]
    for t in range(steps):
        obs, reward, terminated, truncated, _ = env.step(act(env, t))
        trace.append(list(map(float, obs)) + [reward])
        if terminated or truncated:
            break
    return trace


def check_env(lib, id):
    env = fl.FiredrillEnv(id, lib=lib)
    obs, info = env.reset(seed=123)
    check("%s: reset gives an observation inside the space" % id, inside(env, obs))
    check("%s: reset gives a dictionary" % id, isinstance(info, dict) and info["mask"] & 1)
    check("%s: the same seed gives the same episode" % id, play(env, 5, 100) == play(env, 5, 100))
    check("%s: another seed gives another" % id, play(env, 5, 100) != play(env, 6, 100))
    env.reset(seed=5)
    first = play(env, 5, 10)
    env.reset()
    following = [list(map(float, env.step(act(env, t))[0])) for t in range(10)]
    check("%s: reset without a seed goes on to the next episode" % id, following != [row[:-1] for row in first[1:]])
    env.reset(seed=1)
    result = env.step(act(env, 0))
    check("%s: step gives five values" % id, len(result) == 5 and inside(env, result[0]) and isinstance(result[1], float)
          and isinstance(result[2], bool) and isinstance(result[3], bool) and isinstance(result[4], dict))
    check("%s: the columns sum to the reward" % id, abs(sum(result[4]["columns"].values()) - result[1]) < 1e-4)
    env.reset(seed=2)
    ends = [env.step(act(env, 0))[2:4] for _ in range(env.spec_json["max_steps"])] if id == "sim1" else [(False, True)]
    check("%s: the time limit truncates" % id, ends[-1] == (False, True) or ends[-1][0])
    check("%s: an ended episode refuses a step" % id, id != "sim1" or raises(lambda: env.step(0)))
    env.reset(seed=2)
    check("%s: an action out of range is refused" % id, raises(lambda: env.step(99 if id == "sim1" else (0, 99))))
    check("%s: render" % id, "error_rate" in env.render())
    env.close()
    env.close()
    check("%s: the library's own checker" % id, lib.fdl_env_check(id.encode()) == 0)


def check_vector(lib):
    batch = fl.FiredrillVector("sim1", 8, lib=lib)
    batch.reset(7)
    one = fl.FiredrillEnv("sim1", lib=lib)
    one.reset(seed=7)
    equal = True
    for t in range(50):
        for i in range(8):
            batch.act[i] = t % 5
        batch.step()
        obs, reward, terminated, truncated, _ = one.step(t % 5)
        row = batch.obs[0] if fl.numpy is not None else batch.obs[0:8]
        equal = equal and same(row, obs) and float(batch.reward[0]) == reward
        if terminated or truncated:
            break
    check("vector: row 0 is the single environment", equal)
    batch.reset(7)
    batch.step()
    blob = batch.save(3)
    batch.step()
    after = [float(x) for x in (batch.obs[3] if fl.numpy is not None else batch.obs[24:32])]
    batch.load(3, blob)
    batch.step()
    check("vector: a saved row goes on the same", same(after, batch.obs[3] if fl.numpy is not None else batch.obs[24:32]))
    check("vector: a damaged saved state is refused", "belongs to another" in raises(lambda: batch.load(3, blob[:40] + b"x" + blob[41:])))
    check("vector: an unknown id is refused", "sim1" in raises(lambda: fl.FiredrillVector("nosuch", lib=lib)))
    check("vector: zero environments are refused", raises(lambda: fl.FiredrillVector("sim1", 0, lib=lib)))


def check_advisor(lib, model):
    advisor, env = fl.Advisor(model, lib=lib), fl.FiredrillEnv("sim1", lib=lib)
    obs, info = env.reset(seed=11)
    advisor.start(obs)
    total, sound = 0.0, True
    while True:
        advice = advisor.advise("api")
        sound = sound and advice["target"] == "api" and 0 <= advice["p_optimal"] <= 1 and advice["action"] in env.actions and advice["why"]
        action = env.actions.index(advice["action"])
        obs, reward, terminated, truncated, info = env.step(action)
        total += reward
        advisor.feel(action, obs)
        if terminated or truncated:
            break
    check("advisor: every advice is sound", sound)
    check("advisor: observations out of bounds are refused", "error_rate" in raises(lambda: advisor.feel(0, [9.0] + [0.0] * 7)))
    bad = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check.py")
    check("advisor: what is no model is refused", "not a model file" in raises(lambda: fl.Advisor(bad, lib=lib)))


def main():
    lib = fl.library(sys.argv[1] if len(sys.argv) > 1 else None)
    model = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "default.fdlm")
    for id in ("sim1", "sim12"):
        check_env(lib, id)
    check_vector(lib)
    check_advisor(lib, model)
    if fl.gymnasium is not None:
        from gymnasium.utils.env_checker import check_env as theirs
        theirs(fl.FiredrillEnv("sim1", lib=lib), skip_render_check=True)
        check("Gymnasium's own checker", True)
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
