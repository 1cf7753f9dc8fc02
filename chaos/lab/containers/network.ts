import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { DockerError, type Docker } from './docker.ts';

/** A bridge with a network of its own behind it: addresses that stay, and this machine at the first of them. */
export interface LabNetwork {
  readonly name: string;
  /** As 10.x.y.0/24. */
  readonly subnet: string;
  /** This machine's own address: where the writers come from. */
  readonly writers: string;
  /** The address with this last number. */
  address(last: number): string;
}

const TRIES = 20;

const isTaken = (prefix: string): boolean =>
  Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address.startsWith(`${prefix}.`)),
  );

/** Makes a network on addresses that nobody here uses; throws when twenty tries found none. */
export const createNetwork = async (docker: Docker, name: string): Promise<LabNetwork> => {
  let refusal: unknown;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const prefix = `10.${randomInt(64, 128)}.${randomInt(256)}`;
    if (isTaken(prefix)) continue;
    const subnet = `${prefix}.0/24`;
    try {
      await docker.createNetwork({ name, subnet, gateway: `${prefix}.1` });
      return { name, subnet, writers: `${prefix}.1`, address: (last) => `${prefix}.${last}` };
    } catch (error) {
      if (!(error instanceof DockerError) || error.status === 0) throw error;
      refusal = error; // the addresses overlap with those of another network of the engine
    }
  }
  throw new Error(`no free network 10.64.0.0/10 found in ${TRIES} tries`, { cause: refusal });
};
