import { fetchPostgres } from '../support/other-postgres.ts';

export const setup = (): void => fetchPostgres('18');
