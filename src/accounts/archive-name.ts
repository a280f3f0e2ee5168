/**
 * The name of an archive, `KIND:PATH` or a bare path, with the path that `locate` makes of its own. What stands before the
 * colon stays, whatever it is: the archives' room knows the kinds.
 */
export function locateArchive(archive: string, locate: (path: string) => string): string {
  const [, kind = '', path = ''] = /^([a-z][a-z0-9+.-]+:)?(.*)$/is.exec(archive) ?? []
  return path === '' ? archive : `${kind}${locate(path)}`
}
