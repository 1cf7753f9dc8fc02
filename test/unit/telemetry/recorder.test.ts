import { describe, expect, it } from 'vitest';
import type { AgentEvent } from '../../../src/ports/events.ts';
import { createRecorder } from '../../../src/telemetry/recorder.ts';

const clock = { wall: () => 1_000 };

describe('the flight recorder', () => {
  it('keeps the newest events, oldest first, with growing ids', () => {
    const recorder = createRecorder({ clock, keep: 3 });
    for (let i = 1; i <= 5; i += 1) recorder.record('info', 'n', `number ${i}`, { i });
    expect(recorder.recent().map((each) => each.id)).toEqual([3, 4, 5]);
    expect(recorder.recent()[0]).toEqual({
      id: 3,
      at: 1_000,
      event: 'n',
      level: 'info',
      message: 'number 3',
      fields: { i: 3 },
    });
  });

  it('can keep only one', () => {
    const recorder = createRecorder({ clock, keep: 1 });
    for (let i = 1; i <= 3; i += 1) recorder.record('info', 'n', 'n');
    expect(recorder.recent().map((each) => each.id)).toEqual([3]);
  });

  it('calls back for each event until it is cancelled', () => {
    const recorder = createRecorder({ clock });
    const [one, two]: [AgentEvent[], AgentEvent[]] = [[], []];
    const cancel = recorder.subscribe((event) => one.push(event));
    recorder.subscribe((event) => two.push(event));
    recorder.record('info', 'a', 'a');
    cancel();
    cancel();
    recorder.record('warn', 'b', 'b');
    expect([one.map((each) => each.event), two.map((each) => each.event)]).toEqual([['a'], ['a', 'b']]);
  });

  it('dumps JSON lines without secrets, also for what JSON does not know', () => {
    const recorder = createRecorder({ clock });
    recorder.record('error', 'x', 'failed with password=hunter2', { term: 7n, password: 'hunter2' });
    const [line, rest] = recorder.dump().split('\n');
    expect(JSON.parse(line!)).toMatchObject({ event: 'x', fields: { term: '7', password: '***' } });
    expect(rest).toBe('');
    expect(recorder.dump()).not.toContain('hunter2');
  });

  it('gives a list that does not change under its reader', () => {
    const recorder = createRecorder({ clock });
    recorder.record('info', 'a', 'a');
    const before = recorder.recent();
    recorder.record('info', 'b', 'b');
    expect(before).toHaveLength(1);
  });
});
