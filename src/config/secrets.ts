import type { Host } from './host.ts';
import { secret, type Secret } from './secret.ts';

/** Permissions that let others than the owner read. */
export const OTHERS_READ = 0o044;

/** Reads secrets and certificates named by the configuration; what is wrong with a file becomes a fault. */
export const createSecrets = (
  host: Host,
  fault: (at: readonly PropertyKey[], found: string, wanted: string) => void,
): {
  /** A secret by value or by file: not both. */
  choose(
    section: readonly PropertyKey[],
    name: string,
    value: Secret | undefined,
    path: string | undefined,
  ): Secret | undefined;
  /** A secret file: only its owner may read it. */
  file(at: readonly PropertyKey[], path: string | undefined): Secret | undefined;
  /** A file that is no secret. */
  text(at: readonly PropertyKey[], path: string | undefined): string | undefined;
} => {
  const text = (at: readonly PropertyKey[], path: string | undefined): string | undefined => {
    if (path === undefined) return undefined;
    const file = host.read(path);
    if (file.kind === 'read') return file.text;
    fault(at, `${path}: ${file.why}`, 'a file that can be read');
    return undefined;
  };

  const file = (at: readonly PropertyKey[], path: string | undefined): Secret | undefined => {
    if (path === undefined) return undefined;
    const found = host.read(path);
    if (found.kind === 'unreadable') {
      fault(at, `${path}: ${found.why}`, 'a file that can be read');
      return undefined;
    }
    if ((found.mode & OTHERS_READ) !== 0)
      fault(at, `${path} can be read by others (mode ${found.mode.toString(8)})`, `only its owner: chmod 600 ${path}`);
    const content = found.text.replace(/\r?\n$/, '');
    if (content === '') fault(at, `${path} is empty`, 'a file with the secret');
    return secret(content);
  };

  return {
    text,
    file,
    choose: (section, name, value, path) => {
      if (value !== undefined && path !== undefined)
        fault([...section, name], `both ${name} and ${name}_file`, 'one of them');
      return value ?? file([...section, `${name}_file`], path);
    },
  };
};
