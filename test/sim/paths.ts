import type { Event, Memory } from '../../src/core/memory.ts';
import type { World } from './world.ts';

/** Notices the rare paths that show in an agent's own steps. */
export const notePaths = (world: World, before: Memory, event: Event, after: Memory): void => {
  if (event.kind === 'view' && before.reign === undefined && after.reign !== undefined) adopted(world, before, after);
  if (before.reign?.keyGone !== true && after.reign?.keyGone === true)
    world.sometimes('a leader key vanished while its holder lived');
  if (event.kind === 'transacted') settled(world, before, event, after);
};

const adopted = (world: World, before: Memory, after: Memory): void => {
  const writer = after.view?.heartbeat?.value;
  if (writer?.member === after.self.name && writer.agent !== after.self.agent && writer.term === after.reign?.term)
    world.sometimes('a restarted agent took up the term of its predecessor');
  if (writer?.agent === after.self.agent && before.lastLead !== undefined && writer.seq === 0)
    world.sometimes('an attempt to lead of unknown outcome did happen');
};

const settled = (
  world: World,
  before: Memory,
  { flight, outcome }: Extract<Event, { kind: 'transacted' }>,
  after: Memory,
): void => {
  const purpose = before.flights.find(({ id }) => id === flight)?.purpose;
  if (purpose === undefined) return;
  if (purpose.kind === 'lead' && outcome.kind === 'refused')
    world.sometimes('a take-over was refused because something had changed');
  if (outcome.kind === 'refused' && purpose.kind === 'heartbeat' && outcome.mine && after.reign !== undefined)
    world.sometimes('a heartbeat of unknown outcome did happen');
  if (before.handover?.phase === 'handing-over' && before.reign?.unsettled === true && purpose.kind === 'heartbeat') {
    if (outcome.kind === 'applied') world.sometimes('a hand-over of unknown outcome did not happen');
    if (outcome.kind === 'refused' && after.reign === undefined)
      world.sometimes('a hand-over of unknown outcome did happen');
  }
  if (outcome.kind !== 'applied') return;
  if (purpose.kind === 'release') world.sometimes('a leader released its key, fenced');
  if (purpose.kind === 'fenced') world.sometimes('a deposed leader told that it is fenced');
  if (purpose.kind !== 'lead') return;
  if (purpose.how === 'take-over') world.sometimes('a leader key was taken over while it was there');
  if (purpose.how === 're-acquire') world.sometimes('a holder took its vanished key again');
};
