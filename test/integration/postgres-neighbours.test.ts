import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseInstanceId, type InstanceId } from '../../src/core/brand.ts';
import { createLab, processes, step, type Lab, type TestMember } from '../support/postgres.ts';

const instance = parseInstanceId('inst1') as InstanceId;
const labs: Lab[] = [];

const startPrimary = async (): Promise<TestMember> => {
  const lab = await createLab();
  labs.push(lab);
  const member = await lab.member('a');
  await member.database.initialize(step());
  await member.database.configure({ ...step(), parameters: {}, accessRules: [], memberHosts: ['127.0.0.1'], instance });
  await member.database.start({ ...step(), source: undefined });
  await member.database.promote({ ...step(), generation: 2 });
  return member;
};

const tree = (member: TestMember): readonly number[] => processes.within(member.options.dataDir).map(({ pid }) => pid);

let own: TestMember;
let neighbour: TestMember;
beforeAll(async () => {
  [own, neighbour] = await Promise.all([startPrimary(), startPrimary()]);
});
afterAll(async () => {
  for (const lab of labs) await lab.close();
});

it('a fence kills the database of its own directory, never that of another cluster`s member of the same name', async () => {
  const [postmaster] = tree(neighbour);
  expect(tree(own).length).toBeGreaterThan(3);
  await own.database.fence(step());
  expect(tree(own)).toEqual([]);
  expect(tree(neighbour)[0]).toBe(postmaster);
  expect(await neighbour.running()).toMatchObject({ role: 'primary', writable: true });
});
