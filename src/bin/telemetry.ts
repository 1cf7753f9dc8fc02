import type { Telemetry } from '../agent/telemetry.ts';
import type { Log } from '../ports/log.ts';
import { createChronicle } from '../telemetry/chronicle.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Recorder } from '../telemetry/recorder.ts';

/** What the agent tells goes to the log, to the flight recorder and into the metrics. */
export const telemetryOf = (log: Log, metrics: Metrics, recorder: Recorder): Telemetry => {
  const chronicle = createChronicle(metrics);
  return {
    tell: (effect, memory) => {
      if (effect.kind === 'tell') {
        log[effect.level](effect.event, effect.message, effect.fields);
        recorder.record(effect.level, effect.event, effect.message, effect.fields);
        return;
      }
      const reasons = effect.reasons.filter((reason) => reason !== '');
      const message = [effect.why, ...reasons].join('; ');
      const fields = {
        rule: effect.rule,
        next: effect.next,
        term: memory.reign === undefined ? undefined : String(memory.reign.term),
      };
      log.info('decided', message, fields);
      recorder.record('info', 'decided', message, fields);
      metrics.decision(effect.rule);
    },
    looped: (memory, tookMs) => {
      metrics.loop(tookMs);
      chronicle.looked(memory);
    },
    storeCall: (what, outcome, tookMs) =>
      metrics.storeCall(what === 'leadership' ? 'leadership' : 'other', outcome, tookMs),
    databaseCall: (tookMs) => metrics.databaseCall(tookMs),
    roleChanged: (from, to) => {
      log.info('role.changed', `the database is ${to} now (was ${from})`, { from, to });
      recorder.record('info', 'role.changed', `the database is ${to} now (was ${from})`, { from, to });
      metrics.roleChange(to);
    },
    taskEnded: (task, result) => {
      metrics.task(task.kind, result.kind);
      chronicle.taskEnded(task, result);
      if (task.kind === 'fence' && result.kind === 'done') metrics.fencing('agent');
    },
    guardFenced: (killed, tookMs) => {
      metrics.fencing('guard');
      recorder.record('error', 'guard.fenced', `the guard fenced the database: ${killed} processes killed`, {
        killed,
        took_ms: tookMs,
      });
    },
  };
};
