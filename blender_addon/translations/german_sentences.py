"""German: what errors and warnings say, {} for their names and numbers; see `sentence`. A test says what is missing."""

SENTENCES = {
    # the photo
    "The person is only {} pixels tall; use a photo with at least {}.": (
        "Die Person ist nur {} Pixel groß; ein Foto mit mindestens {} verwenden."
    ),
    "There is no person number {}; the photo shows {} (the largest is 0).": (
        "Es gibt keine Person Nummer {}; das Foto zeigt {} (die größte ist 0)."
    ),
    "No person was found; use a photo that shows one person from head to feet.": (
        "Keine Person gefunden; ein Foto verwenden, das eine Person von Kopf bis Fuß zeigt."
    ),
    "Only a face was found; use a photo that shows the person at least down to the hips.": (
        "Nur ein Gesicht gefunden; ein Foto verwenden, das die Person mindestens bis zur Hüfte zeigt."
    ),
    "The photo does not show the whole body; {} guessed.": "Das Foto zeigt nicht den ganzen Körper; geraten: {}.",
    "The photo does not show the whole body; the legs and feet are guessed.": (
        "Das Foto zeigt nicht den ganzen Körper; Beine und Füße sind geraten."
    ),
    "The photo does not show the whole body; the lower legs and feet are guessed.": (
        "Das Foto zeigt nicht den ganzen Körper; Unterschenkel und Füße sind geraten."
    ),
    "The face was not recognised; its shape and the back of the head are guessed.": (
        "Das Gesicht wurde nicht erkannt; seine Form und der Hinterkopf sind geraten."
    ),
    "The photo shows {} people; the largest was used.": "Das Foto zeigt {} Personen; die größte wurde genommen.",
    "{} has too many pixels; reduce it below {} megapixels.": "{} hat zu viele Pixel; unter {} Megapixel verkleinern.",
    "{} is only {}x{} pixels; use a larger photo.": "{} hat nur {}x{} Pixel; ein größeres Foto verwenden.",
    "{} is animated or has several pages; save one frame as a photo.": (
        "{} ist animiert oder hat mehrere Seiten; ein Bild davon als Foto speichern."
    ),
    "{} is damaged or truncated; export or copy it again.": (
        "{} ist beschädigt oder abgeschnitten; noch einmal exportieren oder kopieren."
    ),
    "{} is fully transparent; use a photo that shows a person.": (
        "{} ist völlig durchsichtig; ein Foto verwenden, das eine Person zeigt."
    ),
    "There is no photo at {}; check the path.": "Unter {} ist kein Foto; den Pfad prüfen.",
    "{} cannot be read as a file; choose a photo you may read.": (
        "{} ist als Datei nicht lesbar; ein Foto wählen, das gelesen werden darf."
    ),
    "{} is not an image; use a JPEG, PNG, WebP or HEIC photo.": (
        "{} ist kein Bild; ein Foto in JPEG, PNG, WebP oder HEIC verwenden."
    ),
    "HEIC photos need the package pillow-heif; install it or save the photo as JPEG.": (
        "HEIC-Fotos brauchen das Paket pillow-heif; es installieren oder das Foto als JPEG speichern."
    ),
    "There is no photo '{}': choose a JPEG, PNG or WebP file.": (
        "Es gibt kein Foto „{}“: eine JPEG-, PNG- oder WebP-Datei wählen."
    ),
    "There is no photo '{}': choose a JPEG, PNG, WebP or HEIC file": (
        "Es gibt kein Foto „{}“: eine JPEG-, PNG-, WebP- oder HEIC-Datei wählen"
    ),
    "No photo is open: open one, or name a file.": "Es ist kein Foto offen: eines öffnen oder eine Datei nennen.",
    "There is no photo '{}': open it again from where it is now.": (
        "Es gibt kein Foto „{}“: es von dort öffnen, wo es jetzt ist."
    ),
    # the avatar and its file
    "There is no avatar file '{}': check the path.": "Es gibt keine Avatar-Datei „{}“: den Pfad prüfen.",
    "'{}' is larger than any avatar: choose a {} file made by Likeness.": (
        "„{}“ ist größer als jeder Avatar: eine {}-Datei von Likeness wählen."
    ),
    "'{}' is not an avatar: choose a {} file made by Likeness.": (
        "„{}“ ist kein Avatar: eine {}-Datei von Likeness wählen."
    ),
    "'{}' was made by a newer Likeness: update the add-on to open it.": (
        "„{}“ stammt von einem neueren Likeness: zum Öffnen das Add-on aktualisieren."
    ),
    "The avatar has {} vertices where its body has {}: create it again from its photo.": (
        "Der Avatar hat {} Punkte, sein Körper aber {}: ihn aus seinem Foto neu erstellen."
    ),
    "'{}' is not an avatar or is damaged: choose a {} file made by Likeness.": (
        "„{}“ ist kein Avatar oder ist beschädigt: eine {}-Datei von Likeness wählen."
    ),
    "'{}' is damaged ({}): create the avatar again from its photo.": (
        "„{}“ ist beschädigt ({}): den Avatar aus seinem Foto neu erstellen."
    ),
    "There is no avatar file '{}': choose a .likeness file.": (
        "Es gibt keine Avatar-Datei „{}“: eine .likeness-Datei wählen."
    ),
    "The scene was changed while the avatar was built: import the avatar again.": (
        "Die Szene wurde geändert, während der Avatar gebaut wurde: den Avatar noch einmal importieren."
    ),
    "There is no avatar file '{}': put it back beside the avatar's own file.": (
        "Es gibt keine Avatar-Datei „{}“: sie wieder neben die Datei des Avatars legen."
    ),
    "The avatar '{}' is gone: nothing was changed.": "Den Avatar „{}“ gibt es nicht mehr: nichts wurde geändert.",
    "The avatar was removed while its texture was saved; its file holds the paint.": (
        "Der Avatar wurde entfernt, während seine Textur gespeichert wurde; seine Datei enthält das Gemalte."
    ),
    "The avatar cannot be built because {}: create it again from its photo.": (
        "Der Avatar kann nicht gebaut werden, denn {}: ihn aus seinem Foto neu erstellen."
    ),
    "This avatar has lost its mesh or a bone: import the avatar again.": (
        "Diesem Avatar fehlt das Mesh oder ein Knochen: ihn noch einmal importieren."
    ),
    "This avatar has lost a bone: select another one, or import it again.": (
        "Diesem Avatar fehlt ein Knochen: einen anderen wählen oder ihn noch einmal importieren."
    ),
    # motions and poses
    "The motion has no 'trans': the avatar stays in its place.": (
        "Die Bewegung hat kein „trans“: der Avatar bleibt an seinem Ort."
    ),
    "The motion has no frame rate: {} frames per second are assumed.": (
        "Die Bewegung hat keine Bildrate: {} Bilder pro Sekunde werden angenommen."
    ),
    "The motion has no 'global_orient': the avatar stands upright and faces forward.": (
        "Die Bewegung hat kein „global_orient“: der Avatar steht aufrecht und schaut nach vorn."
    ),
    "'{}' says {} frames per second: correct 'mocap_frame_rate' in the file.": (
        "„{}“ nennt {} Bilder pro Sekunde: „mocap_frame_rate“ in der Datei berichtigen."
    ),
    "'{}' has neither 'poses' nor 'body_pose': choose a SMPL-X or AMASS motion.": (
        "„{}“ hat weder „poses“ noch „body_pose“: eine SMPL-X- oder AMASS-Bewegung wählen."
    ),
    "'{}' in '{}' holds {} PCA values: export 45 axis-angle values (use_pca=False).": (
        "„{}“ in „{}“ enthält {} PCA-Werte: 45 Achse-Winkel-Werte exportieren (use_pca=False)."
    ),
    "'{}' in '{}' has the shape {}; it must be {}.": "„{}“ in „{}“ hat die Form {}; sie muss {} sein.",
    "'poses' in '{}' has the shape {}; it must be one of {}.": (
        "„poses“ in „{}“ hat die Form {}; sie muss eine von {} sein."
    ),
    "The {} in '{}' has the shape {}; it must be one number.": (
        "{} in „{}“ hat die Form {}; es muss eine einzelne Zahl sein."
    ),
    "'{}' in '{}' does not hold numbers: choose another file.": (
        "„{}“ in „{}“ enthält keine Zahlen: eine andere Datei wählen."
    ),
    "'{}' in '{}' holds numbers that are not finite: repair the file.": (
        "„{}“ in „{}“ enthält Zahlen, die nicht endlich sind: die Datei reparieren."
    ),
    "There is no motion file '{}': check the name.": "Es gibt keine Bewegungsdatei „{}“: den Namen prüfen.",
    "The motion file '{}' cannot be read ({}).": "Die Bewegungsdatei „{}“ ist nicht lesbar ({}).",
    "'{}' is not a SMPL-X or AMASS motion: choose an undamaged .npz file with plain arrays.": (
        "„{}“ ist keine SMPL-X- oder AMASS-Bewegung: eine unbeschädigte .npz-Datei mit einfachen Arrays wählen."
    ),
    "'{}' unpacks to more than 2 GB: cut the motion into shorter files.": (
        "„{}“ wird entpackt größer als 2 GB: die Bewegung in kürzere Dateien schneiden."
    ),
    "'{}' has more than 512 MB: cut the motion into shorter files.": (
        "„{}“ hat mehr als 512 MB: die Bewegung in kürzere Dateien schneiden."
    ),
    "'{}' is not a whole BVH file ({}): export it again.": (
        "„{}“ ist keine vollständige BVH-Datei ({}): sie noch einmal exportieren."
    ),
    "The skeleton of this BVH has no joint that is known as {}: rename its joints as Mixamo does (Hips, LeftUpLeg, "
    "LeftLeg, LeftArm, ...).": (
        "Das Skelett dieser BVH hat kein Gelenk, das als {} bekannt ist: die Gelenke benennen wie Mixamo (Hips, "
        "LeftUpLeg, LeftLeg, LeftArm, ...)."
    ),
    "The hips of this BVH lie on one another: export it with its skeleton's offsets.": (
        "Die Hüftgelenke dieser BVH liegen aufeinander: sie mit den Abständen ihres Skeletts exportieren."
    ),
    "'{}' is no name for a pose: end it with .npz.": "„{}“ ist kein Name für eine Pose: mit .npz enden lassen.",
    # files that are written
    "'{}' could not be written ({}).": "„{}“ konnte nicht geschrieben werden ({}).",
    "'{}' is a folder: give the name of a file to write.": (
        "„{}“ ist ein Ordner: den Namen der Datei angeben, die geschrieben wird."
    ),
    "Cannot write into '{}' ({}): choose another place.": "In „{}“ kann nicht geschrieben werden ({}): woanders hin.",
    "Could not write '{}' ({}): free some space or choose another place.": (
        "„{}“ konnte nicht geschrieben werden ({}): Platz schaffen oder einen anderen Ort wählen."
    ),
    "'{}' could not be written ({}): free some space or choose another place.": (
        "„{}“ konnte nicht geschrieben werden ({}): Platz schaffen oder einen anderen Ort wählen."
    ),
    "'{}' is no name for an export: end it with {}.": "„{}“ ist kein Name für einen Export: mit {} enden lassen.",
    "This Blender was built without {}: end the name with .glb or .fbx.": (
        "Dieses Blender wurde ohne {} gebaut: den Namen mit .glb oder .fbx enden lassen."
    ),
    # the backend
    "The Likeness backend cannot be started with '{}' ({}): check 'Existing Python' and 'Log Folder' in the add-on's "
    "preferences.": (
        "Das Likeness-Backend lässt sich mit „{}“ nicht starten ({}): „Vorhandenes Python“ und „Protokollordner“ in "
        "den Einstellungen des Add-ons prüfen."
    ),
    "The Likeness backend is not installed: press Install in the add-on's preferences.": (
        "Das Likeness-Backend ist nicht installiert: in den Einstellungen des Add-ons auf Installieren drücken."
    ),
    "The Likeness backend is being installed: wait until the preferences say that it is ready.": (
        "Das Likeness-Backend wird gerade installiert: warten, bis die Einstellungen es als bereit melden."
    ),
    "The Likeness backend cannot be used. {}": "Das Likeness-Backend ist nicht verwendbar. {}",
    "{} name '{}' as the Python of the Likeness backend, but no such program is there: correct the path.": (
        "Als Python des Likeness-Backends ist „{1}“ angegeben ({0}), doch dort ist kein Programm: den Pfad berichtigen."
    ),
    "The Likeness backend was closed before the job was done: start it again.": (
        "Das Likeness-Backend wurde geschlossen, bevor der Auftrag fertig war: ihn noch einmal starten."
    ),
    "The Likeness backend speaks protocol {} but this add-on {}: install the backend that belongs to this add-on.": (
        "Das Likeness-Backend spricht Protokoll {}, dieses Add-on aber {}: das passende Backend installieren."
    ),
    "The Likeness backend did not start ({}): see its log '{}'.": (
        "Das Likeness-Backend ist nicht gestartet ({}): siehe Protokoll „{}“."
    ),
    "The Likeness backend did not start within {} s: try again.": (
        "Das Likeness-Backend ist nicht innerhalb von {} s gestartet: noch einmal versuchen."
    ),
    "The Likeness backend died {} times while doing '{}' ({}): see its log '{}'.": (
        "Das Likeness-Backend ist {}-mal bei „{}“ gestorben ({}): siehe Protokoll „{}“."
    ),
    "The Likeness backend drew another picture than was asked for: restart it.": (
        "Das Likeness-Backend hat ein anderes Bild gezeichnet als verlangt: es neu starten."
    ),
    "The backend ran out of memory: render at a lower resolution or close other programs.": (
        "Dem Backend ging der Speicher aus: in kleinerer Auflösung rendern oder andere Programme schließen."
    ),
    # the engine
    "The plate behind the avatar is missing: choose a picture under Background, or another one.": (
        "Das Hintergrundbild fehlt: unter Hintergrund ein Bild wählen oder einen anderen Hintergrund."
    ),
    "Choose Cycles or EEVEE for this scene first: Likeness gets a scene of its own.": (
        "Für diese Szene erst Cycles oder EEVEE wählen: Likeness bekommt eine eigene Szene."
    ),
    "Only Cycles has shadow catchers: choose Cycles, or give the scene a floor and turn them off.": (
        "Nur Cycles kennt Schattenfänger: Cycles wählen oder der Szene einen Boden geben und sie ausschalten."
    ),
    "There is no avatar in this scene: create or import one.": (
        "In dieser Szene ist kein Avatar: einen erstellen oder importieren."
    ),
    "The avatar is in no collection: move it and its armature into one (M in the 3D view).": (
        "Der Avatar ist in keiner Collection: ihn und seine Armatur in eine verschieben (M in der 3D-Ansicht)."
    ),
    "The scene has no camera: add one and make it the scene's active camera.": (
        "Die Szene hat keine Kamera: eine hinzufügen und zur aktiven Kamera der Szene machen."
    ),
    "The Likeness engine draws one view: turn off Stereoscopy in the output properties.": (
        "Die Likeness-Engine zeichnet eine Ansicht: die Stereoskopie in den Ausgabe-Eigenschaften ausschalten."
    ),
    "The avatar mesh '{}' names no avatar file: import the avatar again.": (
        "Das Avatar-Mesh „{}“ nennt keine Avatar-Datei: den Avatar noch einmal importieren."
    ),
    "The avatar mesh '{}' has {} vertices after its modifiers instead of {}: remove modifiers that add or remove "
    "vertices.": (
        "Das Avatar-Mesh „{}“ hat nach seinen Modifikatoren {} statt {} Punkte: Modifikatoren entfernen, die Punkte "
        "hinzufügen oder wegnehmen."
    ),
    "The Likeness engine cannot draw through the camera '{}': make it perspective or orthographic.": (
        "Die Likeness-Engine kann nicht durch die Kamera „{}“ zeichnen: sie perspektivisch oder orthografisch machen."
    ),
    "This is no 3D view: open one to see the avatar.": (
        "Dies ist keine 3D-Ansicht: eine öffnen, um den Avatar zu sehen."
    ),
    # the installation
    "The backend is being installed already: wait, or cancel it.": (
        "Das Backend wird schon installiert: warten oder abbrechen."
    ),
    "This add-on runs from a checkout and brings no wheel to install: name a Python that has Likeness under 'Use an "
    "Existing Python'.": (
        "Dieses Add-on läuft aus einem Checkout und bringt kein Wheel zum Installieren mit: unter „Vorhandenes Python“ "
        "ein Python mit Likeness nennen."
    ),
    "There is no folder of wheels '{}': choose another one.": (
        "Es gibt keinen Ordner mit Wheels „{}“: einen anderen wählen."
    ),
    "The disk has {} GB free, the installation needs {} GB for a while: free some space or choose another folder.": (
        "Auf der Platte sind {} GB frei, die Installation braucht zeitweise {} GB: Platz schaffen oder einen anderen "
        "Ordner wählen."
    ),
    "The folder '{}' cannot be written ({}): choose another one.": (
        "In den Ordner „{}“ kann nicht geschrieben werden ({}): einen anderen wählen."
    ),
    "'{}' cannot be started ({}).": "„{}“ lässt sich nicht starten ({}).",
    "Likeness's own wheel '{}' is missing: install the add-on anew.": (
        "Das Wheel „{}“ von Likeness fehlt: das Add-on neu installieren."
    ),
    "After the installation {} is still incomplete: repair it.": (
        "Nach der Installation ist {} noch unvollständig: sie reparieren."
    ),
    "The installation was not finished: resume it.": "Die Installation wurde nicht beendet: sie fortsetzen.",
    "'{}' cannot be removed: close the programs that use it, then try again.": (
        "„{}“ lässt sich nicht entfernen: die Programme schließen, die es verwenden, dann noch einmal versuchen."
    ),
    "There is no Python {} on this machine and none could be fetched: install one (python.org, or your system's "
    "packages), then resume.": (
        "Auf diesem Rechner ist kein Python {}, und keines konnte geholt werden: eines installieren (python.org oder "
        "die Pakete des Systems), dann fortsetzen."
    ),
    "The package index has torch in another build than was chosen, and uv, which could fetch it, is not to be had "
    "here: install uv, choose the other build, or install from a folder of wheels.": (
        "Der Paketindex hat torch in einer anderen Ausführung als gewählt, und uv, das sie holen könnte, ist hier "
        "nicht zu haben: uv installieren, die andere Ausführung wählen oder aus einem Ordner mit Wheels installieren."
    ),
    "The package index shows a certificate that this machine does not trust, as behind a company's proxy: set "
    "SSL_CERT_FILE and PIP_CERT to that company's certificates before Blender starts, or use a folder of wheels.": (
        "Der Paketindex zeigt ein Zertifikat, dem dieser Rechner nicht traut, wie hinter dem Proxy einer Firma: vor "
        "dem Start von Blender SSL_CERT_FILE und PIP_CERT auf deren Zertifikate setzen oder einen Ordner mit Wheels "
        "verwenden."
    ),
    "The folder '{}' holds no wheel of torch: choose the folder of the wheels.": (
        "Im Ordner „{}“ ist kein Wheel von torch: den Ordner mit den Wheels wählen."
    ),
    "The wheels in '{}' are not for Python 3.11 or 3.12: fetch those that are.": (
        "Die Wheels in „{}“ sind nicht für Python 3.11 oder 3.12: die passenden holen."
    ),
    "The order of the add-on cannot be read: start again.": (
        "Der Auftrag des Add-ons ist nicht lesbar: noch einmal starten."
    ),
    "The backend starts but says nothing sensible: repair the installation.": (
        "Das Backend startet, sagt aber nichts Sinnvolles: die Installation reparieren."
    ),
    "The backend starts but lacks something ({}): repair it.": (
        "Das Backend startet, doch es fehlt etwas ({}): es reparieren."
    ),
    "The backend does not start: repair the installation.": ("Das Backend startet nicht: die Installation reparieren."),
}
