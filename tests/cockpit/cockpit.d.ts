// What the page uses of Cockpit's base1/cockpit.js, whose documentation is its guide ("API").

declare module "cockpit" {
    export interface DBusClient {
        addEventListener(name: "close", listener: (event: Event, end?: { problem?: string }) => void): void;
        addEventListener(name: "owner", listener: (event: Event, owner: string | null) => void): void;
        call(path: string, name: string, method: string, values: unknown[], options: { type: string }): Promise<unknown[]>;
        close(problem?: string): void;
        subscribe(match: { path: string; interface: string; member: string }, heard: () => void): { remove(): void };
    }
    export interface Spawn<T> extends Promise<T> {
        input(data: string | Uint8Array): Spawn<T>;
    }
    export interface ProcessError {
        exit_status?: number | null;
        message?: string | null;
        problem?: string | null;
    }
    export interface Permission extends EventTarget {
        allowed: boolean | null;
    }
    export interface Cockpit {
        gettext(text: string): string;
        language?: string;
        hidden: boolean;
        dbus(name: null, options: { bus: "internal" }): {
            proxy(name: string, path: string): { Current?: string; addEventListener(name: "changed", listener: () => void): void };
        };
        dbus(name: string, options: { bus: "system"; superuser: "require" | null }): DBusClient;
        spawn(words: string[], options: { superuser: "require" | null; err: "message" | "ignore"; binary: true }): Spawn<Uint8Array>;
        spawn(words: string[], options: { superuser: "require" | null; err: "message" | "ignore" }): Spawn<string>;
        user(): Promise<{ id: number; name: string }>;
        permission(options: { admin: true }): Permission;
        transport: { wait(ready: () => void): void };
    }
}

declare var cockpit: import("cockpit").Cockpit;
