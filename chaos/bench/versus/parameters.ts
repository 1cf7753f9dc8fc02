import { z } from 'zod';
import type { Lab } from '../../lab/lab.ts';

/** What the peer's databases are told so that they run with the same settings as ours; `settingsDifference` checks it. */
export const peerParameters: Readonly<Record<string, string | number>> = {
  max_replication_slots: 20,
  wal_receiver_status_interval: '1s',
  wal_receiver_timeout: '10s',
  wal_retrieve_retry_interval: '500ms',
  wal_sender_timeout: '10s',
};

/** Settings that name places or other members, and so cannot be the same. */
const OWN =
  /^(archive_command|archive_library|cluster_name|config_file|data_directory|external_pid_file|hba_file|ident_file|listen_addresses|primary_conninfo|primary_slot_name|restore_command|synchronous_standby_names|unix_socket_directories|application_name|in_hot_standby|transaction_read_only|default_transaction_read_only)$/;

/** A server's settings by name. */
export type Settings = ReadonlyMap<string, string>;

const rows = z.array(z.object({ name: z.string(), setting: z.string().nullable() }));

/** Every setting of the primary that counts for speed or safety, and the server's version. */
export const readSettings = async (lab: Lab, primary: string): Promise<Settings> => {
  const found = rows.parse(await lab.query(primary, 'SELECT name, setting FROM pg_settings'));
  return new Map(found.flatMap(({ name, setting }) => (OWN.test(name) ? [] : [[name, setting ?? '']])));
};

/** What differs, as `name: ours / peer's`. */
export const settingsDifference = (ours: Settings, peer: Settings): readonly string[] =>
  [...ours].flatMap(([name, value]) => {
    const other = peer.get(name) ?? '(unknown)';
    return other === value ? [] : [`${name}: ${value} / ${other}`];
  });
