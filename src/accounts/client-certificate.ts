/** The certificate by which an account proves itself in TLS, and its key. */
import { readFile } from 'node:fs/promises'

import { SecretError } from './errors.ts'
import { readPrivateFile } from './private-file.ts'

/**
 * Reads `tls_certificate` and `tls_key`, which may be one file. The key is refused if others can read it, as a password
 * file is. What is in the files is judged where it is used (net/trust.ts).
 *
 * Throws SecretError, which names the path and never holds what is in the file.
 */
export async function readClientCertificate(
  paths: { readonly certificate: string; readonly key: string },
  credentialsDirectory?: string,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const key = await readPrivateFile(paths.key, { what: 'key file', credentialsDirectory })
  try {
    return { certificate: await readFile(paths.certificate, 'utf8'), key }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SecretError(`the client certificate cannot be read: ${reason}`, { cause })
  }
}
