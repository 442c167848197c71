"""A second engine for master sessions: opendnp3 (package ``yadnp3``), chosen by ``engine = "opendnp3"``.

Behind the same `Session` as our own stack, and less than it in these ways, which its library decides:

- It confirms events as soon as it has parsed them: `SessionListener.settled` is not awaited, so events that were
  confirmed can be lost if this process dies before the journal has them.
- An unsolicited response that the outstation repeats, because our confirmation was lost, is delivered again.
- TCP client only, each session on a connection of its own, link layer unconfirmed, unsolicited responses of all
  classes, one retry rule for all start-up tasks, time by the LAN procedure only. Other settings are setting faults.
- A command leaves only if it lives long enough to leave in time whatever happens (see `results.life_needed_s`), as
  what was handed over cannot be called back. An outstation that refuses to disable or enable unsolicited responses
  cannot be served.
- A select cannot be passed on: opendnp3 selects only to operate at once, so a select is answered without asking.
- Frozen analog inputs (g31, g33) and device attributes are not read, and nothing is frozen, restarted or set up.
- Silence is met with an event poll, as the bindings do not tell of a link that does not answer.

Only this package imports ``opendnp3``; nothing here is imported before a session with this engine is made.
"""
