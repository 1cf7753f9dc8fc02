import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Certificates for one test, made by openssl: two authorities, a server that is an IP address only, a client, a JWT key. */
export interface Certificates {
  readonly file: (name: string) => string;
  readonly pem: (name: string) => Promise<string>;
  close(): Promise<void>;
}

const run = promisify(execFile);

export const createCertificates = async (): Promise<Certificates> => {
  const directory = await mkdtemp(join(tmpdir(), 'haagent-certs-'));
  const file = (name: string): string => join(directory, name);
  const openssl = async (...args: string[]): Promise<unknown> => run('openssl', args, { cwd: directory });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];

  const authority = async (name: string): Promise<unknown> =>
    openssl('req', '-x509', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`);
  const issue = async (name: string, extensions: string): Promise<void> => {
    await openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    await writeFile(file(`${name}.ext`), extensions);
    const signing = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signing, '-out', `${name}.crt`);
  };
  await Promise.all([authority('ca'), authority('other-ca')]);
  // etcd's own gateway connects to itself with the server's certificate, so this must serve both ends.
  await issue('server', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  await issue('client', 'extendedKeyUsage=clientAuth\n');
  await openssl('genrsa', '-out', 'jwt.key', '2048');
  await openssl('rsa', '-in', 'jwt.key', '-pubout', '-out', 'jwt.pub');
  return {
    file,
    pem: async (name) => readFile(file(name), 'utf8'),
    close: async () => rm(directory, { recursive: true, force: true }),
  };
};
