import { fetchMysql } from '../support/other-mysql.ts';

export const setup = (): void => fetchMysql();
