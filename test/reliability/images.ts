/**
 * Filesystems in image files, and power cuts on them.
 *
 * The image holds what the filesystem has sent to its disk. A copy of it, taken while the program is stopped, is what a
 * power cut at that instant leaves: all that was in the page cache alone is gone. Mounting the copy plays the filesystem's
 * own journal back. What this cannot show is a disk that lies about its cache.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../support/temp.ts'

export const FILESYSTEMS = ['ext4', 'xfs', 'btrfs'] as const

export type Filesystem = (typeof FILESYSTEMS)[number]

/** The least that each accepts; the files are sparse. */
const IMAGE_MIB: Readonly<Record<Filesystem, number>> = { ext4: 64, xfs: 320, btrfs: 160 }

/** xfs would refuse to mount a copy, which has the identifier of its original. */
const MOUNT_OPTIONS: Readonly<Record<Filesystem, string>> = {
  ext4: 'loop',
  xfs: 'loop,nouuid',
  btrfs: 'loop',
}

/** A mounted image. */
export interface Image {
  readonly filesystem: Filesystem
  /** The mount point. */
  readonly path: string
  /** Copies the image as it is now to `path`. */
  copyTo(path: string): void
  /** Unmounts; the image file stays until the folder is removed. */
  unmount(): void
}

/** Makes an image in `folder` and mounts it there. */
export function makeImage(filesystem: Filesystem, folder: string): Image {
  const file = join(folder, `${filesystem}.image`)
  writeFileSync(file, '')
  truncateSync(file, IMAGE_MIB[filesystem] * 2 ** 20)
  execFileSync(`mkfs.${filesystem}`, ['-q', file], { env: PATHS })
  const path = join(folder, 'mounted')
  mkdirSync(path)
  return mountImage(filesystem, file, path)
}

/** Mounts an image file, playing its journal back. */
export function mountImage(filesystem: Filesystem, file: string, path: string): Image {
  execFileSync('mount', ['-t', filesystem, '-o', MOUNT_OPTIONS[filesystem], file, path], {
    env: PATHS,
    stdio: 'pipe',
  })
  const unmount = () => {
    execFileSync('umount', [path], { env: PATHS, stdio: 'pipe' })
    // The kernel remembers the devices of btrfs, and would take a copy for one that it has seen.
    if (filesystem === 'btrfs') spawnSync('btrfs', ['device', 'scan', '--forget'], { env: PATHS })
  }
  return {
    filesystem,
    path,
    copyTo: (to) => void execFileSync('cp', ['--sparse=always', file, to]),
    unmount,
  }
}

/** Stops all threads of a process; returns when they stand still, or when it is gone. */
export function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP')
  for (let looks = 0; looks < 100_000; looks += 1) {
    if (isStill(pid)) return
  }
  throw new Error(`process ${pid} does not stop`)
}

function isStill(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return /^State:\s+[TZX]/m.test(status)
}

const PATHS = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

/** Why images cannot be made and mounted here; undefined where they can. */
export function imageProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'Mounting images needs root.'
  const folder = temporaryFolder('images')
  try {
    for (const filesystem of FILESYSTEMS) {
      const own = join(folder.path, filesystem)
      mkdirSync(own)
      makeImage(filesystem, own).unmount()
    }
    return undefined
  } catch (error) {
    return `Images cannot be mounted here: ${error instanceof Error ? error.message : error}`
  } finally {
    folder.remove()
  }
}
