import { createStoreModel } from '../sim/store/model.ts';
import { createRandom, createVirtualClock } from '../sim/store/virtual-clock.ts';
import { consensusContract } from './consensus.contract.ts';

consensusContract('the model', async () => {
  const clock = createVirtualClock();
  const model = createStoreModel({ clock, random: createRandom(1) });
  let clients = 0;
  return {
    clock,
    client: () => model.client(`c${(clients += 1)}`),
    run: async (body) => clock.runUntil(body()),
    fill: async () => model.control.setSpace('alarm'),
    free: async () => model.control.setSpace('enough'),
    close: async () => {},
  };
});
