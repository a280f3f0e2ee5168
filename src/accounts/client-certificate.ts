/** The certificate by which an account proves itself in TLS, and its key. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import { SecretError } from './errors.ts'
import { readPrivateFile } from './private-file.ts'

/**
 * Reads `tls_certificate` and `tls_key`, and gives both as PEM. The two may be one file. The key is refused if others can
 * read it, as a password file is, and if it wants a passphrase, which nobody is asked for.
 *
 * Throws SecretError, which names the paths and never holds what is in the files.
 */
export async function readClientCertificate(
  paths: { readonly certificate: string; readonly key: string },
  credentialsDirectory?: string,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const key = await readPrivateFile(paths.key, { what: 'key file', credentialsDirectory })
  const certificate = await readCertificate(paths.certificate)
  if (!certificate.leaf.checkPrivateKey(parseKey(key, paths.key))) {
    throw new SecretError(`the key in ${paths.key} is not that of ${paths.certificate}`)
  }
  return { certificate: certificate.pem, key }
}

async function readCertificate(path: string): Promise<{ pem: string; leaf: X509Certificate }> {
  try {
    const pem = await readFile(path, 'utf8')
    return { pem, leaf: new X509Certificate(pem) }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SecretError(`there is no certificate in ${path}: ${reason}`, { cause })
  }
}

function parseKey(pem: string, path: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (cause) {
    const isLocked = /ENCRYPTED/.test(pem)
    throw new SecretError(
      isLocked
        ? `the key in ${path} wants a passphrase; popkeep takes a key without one`
        : `there is no private key in ${path}, or none that OpenSSL can read`,
      { cause },
    )
  }
}
