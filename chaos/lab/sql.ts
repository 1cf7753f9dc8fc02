import { Client } from 'pg';

const CONNECT_MS = 2_000;
const QUERY_MS = 5_000;

/** Asks one server once, on a connection of its own, and returns the rows. Rejects by its deadline. */
export const queryOnce = async (
  login: { readonly host: string; readonly port: number; readonly user: string; readonly password: string },
  sql: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const client = new Client({
    ...login,
    database: 'postgres',
    application_name: 'chaos-lab',
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
  });
  client.on('error', () => undefined); // the query's own rejection tells
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    client.connection.stream.destroy();
  }
};
