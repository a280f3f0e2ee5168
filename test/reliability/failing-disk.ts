/** Filesystems that are full, or that become read-only while they are written to, and limits of a process. */
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { temporaryFolder } from '../support/temp.ts'

const ENV = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

const IMAGE_MIB = 16

function run(program: string, ...words: string[]): string {
  return execFileSync(program, words, { env: ENV, stdio: 'pipe', encoding: 'utf8' })
}

/**
 * A filesystem in memory on `folder` while `act` runs, with mount options such as `size=64k` (octets) or `nr_inodes=9`. What it
 * holds in the end is in `folder` afterwards: a disk with room takes its place.
 */
export async function onSmallDisk<T>(
  folder: string,
  options: string,
  act: () => Promise<T>,
): Promise<T> {
  run('mount', '-t', 'tmpfs', '-o', `mode=0700,${options}`, 'popkeep-test', folder)
  try {
    return await act()
  } finally {
    replaceDisk(folder)
  }
}

/**
 * An ext4 on `folder` while `act` runs. `fail` lets it find an error: it becomes read-only at once, with files open, as after a
 * failure of its disk. In the end the folder has what it holds.
 */
export async function onFailingDisk<T>(
  folder: string,
  act: (fail: () => void) => Promise<T>,
): Promise<T> {
  const { path, remove } = temporaryFolder('disk')
  const image = join(path, 'image')
  try {
    run('truncate', '-s', `${IMAGE_MIB}M`, image)
    run('mkfs.ext4', '-q', image)
    run('mount', '-o', 'loop,errors=remount-ro', image, folder)
    // Made by mkfs; nothing else is to lie beside the archive.
    rmSync(join(folder, 'lost+found'), { recursive: true })
    try {
      const trigger = triggerOf(folder)
      return await act(() => writeFileSync(trigger, 'popkeep'))
    } finally {
      replaceDisk(folder)
    }
  } finally {
    remove()
  }
}

/** A file to which one writes to let the filesystem find an error. */
function triggerOf(folder: string): string {
  const device = run('findmnt', '-no', 'SOURCE', folder).trim()
  return `/sys/fs/ext4/${basename(device)}/trigger_fs_error`
}

function replaceDisk(folder: string): void {
  const { path, remove } = temporaryFolder('replaced')
  try {
    for (const name of readdirSync(folder)) {
      run('cp', '-a', join(folder, name), path)
    }
    run('umount', folder)
    for (const name of readdirSync(path)) {
      run('cp', '-a', join(path, name), folder)
    }
  } finally {
    remove()
  }
}

/**
 * Lets a process open `more` descriptors: the kernel gives the lowest number that is free, below the limit. The hard
 * limit stays: once lowered, not every root may raise it for the next call.
 */
export function permit(process: number, more: number): void {
  const open = new Set(readdirSync(`/proc/${process}/fd`).map(Number))
  let limit = 0
  for (let left = more; left > 0 || open.has(limit); limit += 1) {
    if (!open.has(limit)) left -= 1
  }
  limitDescriptors(process, limit)
}

/** Lets a process open nothing more; what is closed gives no room. */
export function permitNone(process: number): void {
  limitDescriptors(process, 0)
}

function limitDescriptors(process: number, limit: number): void {
  run('prlimit', '--pid', String(process), `--nofile=${limit}:`)
}

/** Why such filesystems cannot be had here; undefined where they can. */
export function diskProblem(): string | undefined {
  if (process.platform !== 'linux') return 'tmpfs and its mount options are Linux.'
  if (process.getuid?.() !== 0) return 'Mounting needs root.'
  const { path, remove } = temporaryFolder('disk')
  try {
    run('mount', '-t', 'tmpfs', 'popkeep-test', path)
    run('umount', path)
    return undefined
  } catch (error) {
    return `Mounting is refused: ${error instanceof Error ? error.message : error}`
  } finally {
    remove()
  }
}

/** Why an ext4 cannot be let fail here; undefined where it can. */
export async function failingDiskProblem(): Promise<string | undefined> {
  const problem = diskProblem()
  if (problem !== undefined) return problem
  const { path, remove } = temporaryFolder('disk')
  try {
    return await onFailingDisk(path, async (fail) => {
      fail()
      try {
        writeFileSync(join(path, 'file'), 'text')
      } catch {
        return undefined
      }
      return 'An ext4 stays writable here where it finds an error.'
    })
  } catch (error) {
    return `An ext4 cannot be let fail here: ${error instanceof Error ? error.message : error}`
  } finally {
    remove()
  }
}
