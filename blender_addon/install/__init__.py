"""The backend's private Python: installed, verified, repaired and removed by a process of its own, watched from here.

`worker` is that process (standard library only, no bpy). What it does is written into the installation's folder, so
that the state is what the disk says, whatever ended when: see `state`.
"""
