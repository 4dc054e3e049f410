"""German. One line per string, by the file it comes from; a test says which are missing and which are not used."""

TABLE = {
    # engine
    "Behind the avatars": "Hinter den Avataren",
    "Include": "Einbeziehen",
    "Likeness": "Likeness",
    "Passes": "Durchgänge",
    "Picture": "Bild",
    "The Likeness engine draws no motion blur: blur in the compositor": (
        "Die Likeness-Engine zeichnet keine Bewegungsunschärfe: im Compositor weichzeichnen"
    ),
    "View Transform 'Standard' shows the photo's colors": "Ansicht „Standard“ zeigt die Farben des Fotos",
    # install
    "Backend": "Backend",
    "Backend: damaged": "Backend: beschädigt",
    "Backend: not finished": "Backend: nicht fertig installiert",
    "Backend: not installed": "Backend: nicht installiert",
    "Backend: of another version": "Backend: von anderer Version",
    "Backend: ready": "Backend: bereit",
    "Backend: work in progress": "Backend: in Arbeit",
    "Blender may not go online: allow it in the System preferences, or use a folder": (
        "Blender darf nicht ins Internet: in den Systemeinstellungen erlauben oder einen Ordner verwenden"
    ),
    "Blender was started offline: start it without --offline-mode, or use a folder": (
        "Blender wurde offline gestartet: ohne --offline-mode starten oder einen Ordner verwenden"
    ),
    "Cancel": "Abbrechen",
    "Choose the folder that holds the wheels": "Den Ordner mit den Wheels wählen",
    "Delete the installed backend; avatars and preferences stay": (
        "Das installierte Backend löschen; Avatare und Einstellungen bleiben"
    ),
    "Done": "Fertig",
    "Downloading and installing": "Herunterladen und Installieren",
    "Downloads about {} GB; takes {} GB on disk, {} GB for a while; {} GB are free": (
        "Lädt etwa {} GB herunter; belegt {} GB, vorübergehend {} GB; {} GB sind frei"
    ),
    "Enable Likeness as an add-on: a script that registers it has no preferences": (
        "Likeness als Add-on aktivieren: ein Skript, das es registriert, hat keine Einstellungen"
    ),
    "Examining the backend": "Backend wird untersucht",
    "Install": "Installieren",
    "Install the Backend": "Backend installieren",
    "Installation": "Installation",
    "Log": "Protokoll",
    "Looking at every file": "Jede Datei wird geprüft",
    "Looking for uv": "uv wird gesucht",
    "Make a private Python with all the backend needs; what is there already is kept": (
        "Ein eigenes Python mit allem einrichten, was das Backend braucht; Vorhandenes bleibt"
    ),
    "Open": "Öffnen",
    "Open Log": "Protokoll öffnen",
    "Preparing a Python": "Python wird vorbereitet",
    "Read every file that was installed and start the backend": (
        "Jede installierte Datei lesen und das Backend starten"
    ),
    "Remove": "Entfernen",
    "Remove ({} GB)": "Entfernen ({} GB)",
    "Remove the Backend": "Backend entfernen",
    "Removing": "Wird entfernt",
    "Removing what is needed no more": "Nicht mehr Benötigtes wird entfernt",
    "Repair": "Reparieren",
    "Resume": "Fortsetzen",
    "Show the log in the program that this machine opens text files with": (
        "Das Protokoll in dem Programm zeigen, mit dem dieser Rechner Textdateien öffnet"
    ),
    "Start the backend and ask what it runs on": "Das Backend starten und fragen, worauf es läuft",
    "Starting the backend": "Backend wird gestartet",
    "Stop the work in progress; what was downloaded is kept for a resume": (
        "Die laufende Arbeit anhalten; Heruntergeladenes bleibt zum Fortsetzen erhalten"
    ),
    "The backend works: Likeness {}, torch {}, on {} ({})": "Das Backend läuft: Likeness {}, torch {}, auf {} ({})",
    "The environment variable LIKENESS_PYTHON names the backend's Python": (
        "Die Umgebungsvariable LIKENESS_PYTHON nennt das Python des Backends"
    ),
    "There is no log yet": "Es gibt noch kein Protokoll",
    "There is no such program: correct the path": "Dieses Programm gibt es nicht: den Pfad berichtigen",
    "Try the Backend": "Backend ausprobieren",
    "Update": "Aktualisieren",
    "Verify": "Prüfen",
    "Wait until the work in progress is done, or cancel it": (
        "Warten, bis die laufende Arbeit fertig ist, oder sie abbrechen"
    ),
    "What the backend printed": "Was das Backend ausgegeben hat",
    "What the installer printed": "Was das Installationsprogramm ausgegeben hat",
    "{:.1f} GB come back; the folder is {}": "{:.1f} GB werden frei; der Ordner ist {}",
    # operators: composite, create_avatar, drop
    "Add a floor that shows nothing but shadows, for a picture behind everything (Cycles)": (
        "Einen Boden hinzufügen, der nur Schatten zeigt, für ein Bild hinter allem (Cycles)"
    ),
    "Add the camera that took the photo, look through it and use the photo's resolution": (
        "Die Kamera des Fotos hinzufügen, hindurchsehen und die Auflösung des Fotos verwenden"
    ),
    "Avatar File": "Avatar-Datei",
    "Camera of the Photo": "Kamera des Fotos",
    "Choose Cycles or EEVEE for this scene first: Likeness gets a scene of its own": (
        "Für diese Szene erst Cycles oder EEVEE wählen: Likeness bekommt eine eigene Szene"
    ),
    "Composite with Cycles or EEVEE": "Cycles/EEVEE-Compositing",
    "Create Avatar": "Avatar erstellen",
    "Focal Length": "Brennweite",
    "Likeness avatar (.glb, .fbx)": "Likeness-Avatar (.glb, .fbx)",
    "Likeness avatar (.likeness)": "Likeness-Avatar (.likeness)",
    "Likeness avatar from photo (.jpg, .png, .webp, .heic)": "Likeness-Avatar aus Foto (.jpg, .png, .webp, .heic)",
    "Make a rigged, textured avatar of the person in the photo": (
        "Aus der Person im Foto einen Avatar mit Rig und Textur machen"
    ),
    "Of everything random; the same seed gives the same avatar": (
        "Für alles Zufällige; gleicher Startwert, gleicher Avatar"
    ),
    "Of the photo, in pixels; 0 takes what the photo's file says, or a guess": (
        "Des Fotos, in Pixeln; 0 nimmt die Angabe in der Datei oder eine Schätzung"
    ),
    "Person": "Person",
    "Photo": "Foto",
    "Photo of the whole person; empty: the photos that are open, as they were corrected": (
        "Foto der ganzen Person; leer: die geöffneten Fotos mit ihren Korrekturen"
    ),
    "Pose of the Photo": "Pose des Fotos",
    "Render the rest of this scene with its own engine and the avatar with Likeness, composited with shadows": (
        "Den Rest der Szene mit ihrer Engine rendern, den Avatar mit Likeness, mit Schatten zusammengesetzt"
    ),
    "Seed": "Startwert",
    "Shadow Catcher": "Schattenfänger",
    "Stand as in the photo; otherwise in the rest pose": "Stehen wie im Foto; sonst in der Ruhepose",
    "There is no avatar in this scene": "In dieser Szene ist kein Avatar",
    "Where to save the avatar; by default beside the .blend file, or beside the photo": (
        "Wo der Avatar gespeichert wird; sonst neben der .blend-Datei oder neben dem Foto"
    ),
    "Which one, when several are in the picture: 0 is the largest": (
        "Welche, wenn mehrere im Bild sind: 0 ist die größte"
    ),
    # operators: export_avatar
    "1024 x 1024": "1024 × 1024",
    "1K": "1K",
    "2048 x 2048": "2048 × 2048",
    "2K": "2K",
    "4096 x 4096": "4096 × 4096",
    "4K": "4K",
    "All": "Alles",
    "Animation": "Animation",
    "Custom": "Eigene",
    "Each object is scaled; as Blender does by default": "Jedes Objekt wird skaliert; wie sonst in Blender",
    "Every weight as it is; viewers that read only four show errors": (
        "Jedes Gewicht unverändert; Programme, die nur vier lesen, zeigen Fehler"
    ),
    "Export Avatar": "Avatar exportieren",
    "Expressions": "Gesichtsausdrücke",
    "FBX Units": "FBX-Einheiten",
    "FBX in centimeters, no leaf bones, 4K texture": "FBX in Zentimetern, ohne Endknochen, 4K-Textur",
    "FBX in metres, no leaf bones, 2K texture": "FBX in Metern, ohne Endknochen, 2K-Textur",
    "File": "Datei",
    "For": "Für",
    "GLB with morph targets, 2K texture": "GLB mit Morph-Zielen, 2K-Textur",
    "Godot": "Godot",
    "How many joints may move a vertex in the file": "Wie viele Gelenke einen Punkt in der Datei bewegen dürfen",
    "JPEG Texture": "JPEG-Textur",
    "Joints per Vertex": "Gelenke pro Punkt",
    "Keep the facial expressions as morph targets": "Die Gesichtsausdrücke als Morph-Ziele behalten",
    "Keep the surface's bulges and folds as morph targets, animated where there is an animation": (
        "Wölbungen und Falten der Oberfläche als Morph-Ziele behalten, animiert, wo es eine Animation gibt"
    ),
    "Name that ends with .glb, .fbx, .obj, .usdz or .abc": "Name mit der Endung .glb, .fbx, .obj, .usdz oder .abc",
    "Objects": "Objekte",
    "Options and kind of file as a program wants them": "Optionen und Dateiart, wie ein Programm sie braucht",
    "Pose Correctives": "Posenkorrekturen",
    "Select an avatar first": "Zuerst einen Avatar auswählen",
    "Size of the texture in the file": "Größe der Textur in der Datei",
    "Small GLB: 1K texture as JPEG, no expressions": "Kleines GLB: 1K-Textur als JPEG, ohne Gesichtsausdrücke",
    "Smaller GLB, no longer exact colors": "Kleineres GLB, Farben nicht mehr genau",
    "Texture": "Textur",
    "The file's unit is the meter": "Die Einheit der Datei ist der Meter",
    "The options as they are": "Die Optionen, wie sie sind",
    "The scene's frame range; otherwise the pose of this frame": (
        "Der Bildbereich der Szene; sonst die Pose dieses Bildes"
    ),
    "The vertices are in meters": "Die Punkte sind in Metern",
    "Units": "Einheiten",
    "Unity": "Unity",
    "Unreal Engine": "Unreal Engine",
    "Web": "Web",
    "What every viewer and game engine reads": "Was jedes Programm und jede Spiele-Engine liest",
    "Where FBX keeps Blender's meters": "Wo FBX Blenders Meter ablegt",
    "Write the active avatar for another program, rigged and textured; the scene stays as it is": (
        "Den aktiven Avatar mit Rig und Textur für ein anderes Programm schreiben; die Szene bleibt, wie sie ist"
    ),
    # operators: import_avatar, import_motion, job, look
    "Add an avatar from its file: armature, mesh, material and the camera of its photo": (
        "Einen Avatar aus seiner Datei hinzufügen: Armatur, Mesh, Material und die Kamera seines Fotos"
    ),
    "Animate the active avatar with a SMPL-X or AMASS motion (.npz), or with motion capture (.bvh)": (
        "Den aktiven Avatar mit einer SMPL-X- oder AMASS-Bewegung (.npz) oder mit Motion Capture (.bvh) animieren"
    ),
    "As in AMASS": "Wie in AMASS",
    "As in SMPL-X results": "Wie in SMPL-X-Ergebnissen",
    "As in the File": "Wie in der Datei",
    "As the file says, or else where the body's own up points": (
        "Wie die Datei sagt, sonst wohin das Oben des Körpers zeigt"
    ),
    "Automatic": "Automatisch",
    "Avatar file": "Avatar-Datei",
    "Exactly the translation that the file holds": "Genau die Verschiebung, die in der Datei steht",
    "Expression": "Ausdruck",
    "Fit the scene's frame range to the motion": "Den Bildbereich der Szene der Bewegung anpassen",
    "Frame Rate": "Bildrate",
    "Frame of the motion's first pose": "Bild der ersten Pose der Bewegung",
    "Import Avatar": "Avatar importieren",
    "Import Motion": "Bewegung importieren",
    "It starts where the avatar stands, its lowest point on the ground": (
        "Sie beginnt, wo der Avatar steht, mit dem tiefsten Punkt auf dem Boden"
    ),
    "Keep Speed": "Tempo behalten",
    "Likeness Avatar": "Likeness-Avatar",
    "Likeness Motion": "Likeness-Bewegung",
    "Neural Render": "Neuronales Rendern",
    "Of the motion; 0 takes what its file says": "Der Bewegung; 0 nimmt die Angabe in der Datei",
    "On the Ground": "Auf dem Boden",
    "On the Spot": "Auf der Stelle",
    "On the ground, without travelling": "Auf dem Boden, ohne sich fortzubewegen",
    "Place": "Ort",
    "Render this scene with Likeness, in the photo's colors, and show it in the 3D views": (
        "Diese Szene mit Likeness in den Farben des Fotos rendern und in den 3D-Ansichten zeigen"
    ),
    "Resample to the scene's frame rate; otherwise one pose per frame": (
        "Auf die Bildrate der Szene umrechnen; sonst eine Pose pro Bild"
    ),
    "SMPL-X or AMASS motion, or BVH": "SMPL-X- oder AMASS-Bewegung oder BVH",
    "Set Frame Range": "Bildbereich setzen",
    "Start Frame": "Startbild",
    "Stop": "Anhalten",
    "Stop the running job; nothing is changed": "Den laufenden Auftrag anhalten; nichts wird geändert",
    "Take over the motion's expression; sensible only when it was made for this avatar's body model": (
        "Den Gesichtsausdruck der Bewegung übernehmen; sinnvoll nur, wenn er für das Körpermodell dieses Avatars ist"
    ),
    "Up": "Oben",
    "Wait until the running job is done, or stop it": "Warten, bis der laufende Auftrag fertig ist, oder ihn anhalten",
    "Where the motion happens": "Wo die Bewegung stattfindet",
    "Which axis of the motion's world is up": "Welche Achse in der Welt der Bewegung nach oben zeigt",
    "Y": "Y",
    "Z": "Z",
    # operators: paint, poses, proposals
    "Add the pose library to this file as pose assets, for the asset browser and Blender's own pose tools": (
        "Die Posenbibliothek als Posen-Assets in diese Datei aufnehmen, für Asset-Browser und Blenders Posenwerkzeuge"
    ),
    "All frames of the scene's range instead of this one": "Alle Bilder des Szenenbereichs statt nur dieses",
    "Apply Pose": "Pose anwenden",
    "Back to the rest pose, on the ground, and to a face at rest": (
        "Zurück zur Ruhepose auf dem Boden und zum ruhenden Gesicht"
    ),
    "Body": "Körper",
    "Choose Proposal": "Vorschlag wählen",
    "Complete the avatar as in this picture": "Den Avatar wie in diesem Bild vervollständigen",
    "Draw the proposals for the side that no photo shows": "Die Vorschläge für die Seite zeichnen, die kein Foto zeigt",
    "Exchange left and right of the pose and of the expression": "Links und rechts von Pose und Ausdruck vertauschen",
    "Face": "Gesicht",
    "Joints in the rest pose": "Gelenke in der Ruhepose",
    "Mirror Pose": "Pose spiegeln",
    "Name that ends with .npz": "Name mit der Endung .npz",
    "No expression": "Kein Ausdruck",
    "Paint Texture": "Textur bemalen",
    "Paint on the avatar; the Likeness engine shows every stroke": (
        "Auf den Avatar malen; die Likeness-Engine zeigt jeden Strich"
    ),
    "Pose": "Pose",
    "Poses as Assets": "Posen als Assets",
    "Proposal": "Vorschlag",
    "Reset Pose": "Pose zurücksetzen",
    "Save Paint into Avatar": "Bemalung im Avatar speichern",
    "Save Pose": "Pose speichern",
    "Select an avatar that was made with several proposals": (
        "Einen Avatar auswählen, der mit mehreren Vorschlägen gemacht wurde"
    ),
    "Show Proposals": "Vorschläge zeigen",
    "Take a pose of the library, standing on the ground where the avatar stands": (
        "Eine Pose der Bibliothek einnehmen, auf dem Boden, wo der Avatar steht"
    ),
    "The avatar's material has lost its picture: import the avatar again": (
        "Das Material des Avatars hat sein Bild verloren: den Avatar neu importieren"
    ),
    "The first is 0": "Der erste ist 0",
    "This avatar has lost a bone: import it again": "Diesem Avatar fehlt ein Knochen: ihn neu importieren",
    "Write the pose, or the animation of the scene's frame range, as a SMPL-X motion (.npz)": (
        "Die Pose oder die Animation im Bildbereich der Szene als SMPL-X-Bewegung (.npz) schreiben"
    ),
    "Write what was painted into the avatar's file, for other scenes and for everybody who uses it": (
        "Das Gemalte in die Datei des Avatars schreiben, für andere Szenen und alle, die ihn verwenden"
    ),
    # panels
    "Add Another Photo": "Weiteres Foto hinzufügen",
    "Avatar": "Avatar",
    "Avatar from Photo": "Avatar aus Foto",
    "Close Photo": "Foto schließen",
    "Look": "Aussehen",
    "Mirror": "Spiegeln",
    "Open Photo": "Foto öffnen",
    "Reset": "Zurücksetzen",
    "Reset Face": "Gesicht zurücksetzen",
    "Save": "Speichern",
    "Save Paint": "Speichern",
    "Show": "Zeigen",
    "Unseen Side": "Ungesehene Seite",
    "Working": "In Arbeit",
    "mm": "mm",
    "{stage}, {seconds} s left": "{stage}, noch {seconds} s",
    # panels: poses, the face, counts, where the focal length comes from
    "A Pose": "A-Pose",
    "Arms Up": "Arme hoch",
    "Contrapposto": "Kontrapost",
    "Crouch": "Hocke",
    "Hands on Hips": "Hände an Hüften",
    "Jump": "Sprung",
    "Kneel": "Knien",
    "Point": "Zeigen",
    "Run": "Laufen",
    "Sit": "Sitzen",
    "Stand Relaxed": "Entspannt stehen",
    "T Pose": "T-Pose",
    "Think": "Nachdenken",
    "Walk": "Gehen",
    "Wave": "Winken",
    "Hands": "Hände",
    "Brows": "Brauen",
    "Cheeks and Nose": "Wangen und Nase",
    "Components": "Komponenten",
    "Eyes": "Augen",
    "Jaw": "Kiefer",
    "Mouth": "Mund",
    "from EXIF": "aus EXIF",
    "guessed": "geschätzt",
    "{} mask stroke": "{} Maskenstrich",
    "{} mask strokes": "{} Maskenstriche",
    "{} people: click on one in the photo": "{} Personen: im Foto auf eine klicken",
    "{} pin": "{} Pin",
    "{} pins": "{} Pins",
    # stages of a job
    "Starting": "Wird gestartet",
    "Reading the motion": "Bewegung wird gelesen",
    "Writing the animation": "Animation wird geschrieben",
    "Writing the avatar": "Avatar wird geschrieben",
    "Building the avatar": "Avatar wird gebaut",
    "Taking the texture": "Textur wird übernommen",
    "Drawing the proposals": "Vorschläge werden gezeichnet",
    "Composing": "Wird zusammengesetzt",
    "Looking at the person": "Person wird betrachtet",
    "Looking for people": "Personen werden gesucht",
    "Looking for the person": "Person wird gesucht",
    "Opening the photo": "Foto wird geöffnet",
    "Reading the photo": "Foto wird gelesen",
    "Fitting the clothes": "Kleidung wird angepasst",
    "Fitting hands and face": "Hände und Gesicht werden angepasst",
    "Fitting the body": "Körper wird angepasst",
    "Fitting the camera": "Kamera wird angepasst",
    "Fitting the face": "Gesicht wird angepasst",
    "Fitting the outline": "Umriss wird angepasst",
    "Lifting the pose": "Pose wird räumlich",
    "Standing the body up": "Körper wird aufgestellt",
    "Completing the texture": "Textur wird ergänzt",
    "Composing the texture": "Textur wird zusammengesetzt",
    "Imagining what the photo does not show": "Was das Foto nicht zeigt, wird erdacht",
    "Sampling the texture": "Textur wird abgetastet",
    "Saving the avatar": "Avatar wird gespeichert",
    "Refining the texture": "Textur wird verfeinert",
    # photo
    "-1 until it can be told": "-1, bis es sich sagen lässt",
    "35 mm equivalent, in millimetres": "Kleinbild-Äquivalent in Millimetern",
    "A stroke needs a radius and points such as [[10, 20], [30, 40]]": (
        "Ein Strich braucht einen Radius und Punkte wie [[10, 20], [30, 40]]"
    ),
    "Active Photo": "Aktives Foto",
    "Add": "Hinzufügen",
    "Add to Photos": "Zu den Fotos hinzufügen",
    "Brush": "Pinsel",
    "Brush Radius": "Pinselradius",
    "Choose the person who is clicked on": "Die angeklickte Person wählen",
    "Clear Corrections": "Korrekturen verwerfen",
    "Close the photo's area; its corrections stay": "Den Bereich des Fotos schließen; die Korrekturen bleiben",
    "Dim what is not the person": "Abdunkeln, was nicht zur Person gehört",
    "Drag a joint to where it is in the photo": "Ein Gelenk dorthin ziehen, wo es im Foto ist",
    "Every joint goes back to what was detected": "Jedes Gelenk geht zurück zur Erkennung",
    "Give a joint back to what was detected": "Ein Gelenk der Erkennung zurückgeben",
    "How many ways to complete what the photos do not show; choose one of them afterwards": (
        "Auf wie viele Arten ergänzt wird, was die Fotos nicht zeigen; danach eine davon wählen"
    ),
    "Image": "Bild",
    "In pixels of the photo": "In Pixeln des Fotos",
    "JSON list of pixels": "JSON-Liste von Pixeln",
    "JSON list of pixels of the photo": "JSON-Liste von Pixeln des Fotos",
    "Joint": "Gelenk",
    "Joints, and the points of face and hands": "Gelenke und die Punkte von Gesicht und Händen",
    "Keep the photos that are open; otherwise begin anew": "Die offenen Fotos behalten; sonst von vorn beginnen",
    "Landmarks": "Landmarken",
    "Likeness avatar from photo": "Likeness-Avatar aus Foto",
    "Make the mask brush larger or smaller": "Den Maskenpinsel größer oder kleiner machen",
    "Mask": "Maske",
    "Message": "Meldung",
    "Of the body": "Des Körpers",
    "Of the mask brush, in pixels of the screen": "Des Maskenpinsels, in Bildschirmpixeln",
    "Of the photo": "Des Fotos",
    "Of the upright photo in pixels, 0 until it was read": "Des aufrechten Fotos in Pixeln, 0 bis es gelesen ist",
    "Opacity": "Deckkraft",
    "Open Photo for Likeness": "Foto für Likeness öffnen",
    "Open photos of one person beside the viewport and look for the person in them": (
        "Fotos einer Person neben der Ansicht öffnen und die Person darin suchen"
    ),
    "Paint Mask": "Maske malen",
    "Paint away from the person": "Von der Person wegnehmen",
    "Paint to the person": "Zur Person dazunehmen",
    "Paint to the person or away from it; Ctrl does the opposite": (
        "Zur Person dazumalen oder von ihr weg; Strg tut das Gegenteil"
    ),
    "Painted to the person; otherwise away from it": "Zur Person dazugemalt; sonst von ihr weg",
    "Pick Person": "Person wählen",
    "Pin Joint": "Gelenk anheften",
    "Pins": "Pins",
    "Pins, mask and focal length": "Pins, Maske und Brennweite",
    "Pixel": "Pixel",
    "Points": "Punkte",
    "Progress": "Fortschritt",
    "Proposals": "Vorschläge",
    "Radius": "Radius",
    "Remove Photo": "Foto entfernen",
    "Remove the photo from the list; its file stays": "Das Foto aus der Liste nehmen; die Datei bleibt",
    "Set the focal length by hand; otherwise it comes from the photo's EXIF data, or is a guess": (
        "Die Brennweite von Hand setzen; sonst kommt sie aus den EXIF-Daten des Fotos oder ist geschätzt"
    ),
    "Show Photo": "Foto zeigen",
    "Show a photo beside the viewport": "Ein Foto neben der Ansicht zeigen",
    "Size": "Größe",
    "Source": "Quelle",
    "Stage": "Schritt",
    "Stop looking at the photo; change something to go on": (
        "Das Betrachten des Fotos anhalten; eine Änderung setzt es fort"
    ),
    "Take corrections of the photo back": "Korrekturen des Fotos zurücknehmen",
    "The fitted body over the photo": "Der angepasste Körper über dem Foto",
    "The largest is 0": "Die größte ist 0",
    "The mask goes back to what was detected": "Die Maske geht zurück zur Erkennung",
    "The photo as it is shown": "Das Foto, wie es gezeigt wird",
    "The photo's file": "Die Datei des Fotos",
    "Unpin Joint": "Gelenk lösen",
    "What": "Was",
    "What is done with the photo now": "Was gerade mit dem Foto geschieht",
    "What the mask brush does; Ctrl does the opposite": "Was der Maskenpinsel tut; Strg tut das Gegenteil",
    "What went wrong with the photo": "Was mit dem Foto nicht ging",
    "Where the focal length comes from: exif or guess": "Woher die Brennweite kommt: EXIF oder Schätzung",
    "Which one, the largest is 0": "Welche, die größte ist 0",
    "Which one; -1: the active one": "Welches; -1: das aktive",
    "left_elbow, for example": "left_elbow zum Beispiel",
    # preferences
    "A Python that has Likeness installed (its venv's python program), used instead of the private one. Empty: "
    "the one installed here, or what the environment variable LIKENESS_PYTHON names": (
        "Ein Python, in dem Likeness installiert ist (das Programm python seiner venv), statt des eigenen. Leer: das "
        "hier installierte oder das, welches die Umgebungsvariable LIKENESS_PYTHON nennt"
    ),
    "Build": "Ausführung",
    "CUDA": "CUDA",
    "Device": "Gerät",
    "Existing Python": "Vorhandenes Python",
    "Folder": "Ordner",
    "Folder of Wheels": "Ordner mit Wheels",
    "Folder that holds the packages": "Ordner mit den Paketen",
    "From": "Aus",
    "Internet": "Internet",
    "Log Folder": "Protokollordner",
    "NVIDIA graphics card": "NVIDIA-Grafikkarte",
    "Packages that were fetched before; no network is used": "Vorher geholte Pakete; es wird kein Netz verwendet",
    "Processor": "Prozessor",
    "Runs on NVIDIA graphics cards as well; the large download": (
        "Läuft auch auf NVIDIA-Grafikkarten; der große Download"
    ),
    "Runs on every machine; the small download": "Läuft auf jedem Rechner; der kleine Download",
    "Slower, and always there": "Langsamer und immer da",
    "The Python package index, or the mirror that this machine is set up for": (
        "Der Python-Paketindex oder der Spiegel, für den dieser Rechner eingerichtet ist"
    ),
    "The graphics card where it can be used, otherwise the processor": (
        "Die Grafikkarte, wo sie sich verwenden lässt, sonst der Prozessor"
    ),
    "Wheels": "Wheels",
    "What the networks can run on": "Worauf die Netze laufen können",
    "Where the backend is installed, in a folder of its own. Empty: the add-on's own folder": (
        "Wo das Backend installiert wird, in einem eigenen Ordner. Leer: der Ordner des Add-ons"
    ),
    "Where the backend writes its log. Empty: the add-on's own folder": (
        "Wohin das Backend sein Protokoll schreibt. Leer: der Ordner des Add-ons"
    ),
    "Where the networks run": "Wo die Netze laufen",
    "Where the packages come from": "Woher die Pakete kommen",
    # properties
    "A job is at work": "Ein Auftrag ist in Arbeit",
    "A picture that fills the frame, for example the photo": "Ein Bild, das den Rahmen füllt, etwa das Foto",
    "Aborted": "Abgebrochen",
    "Aborting": "Wird abgebrochen",
    "Avatar Mesh": "Avatar-Mesh",
    "Background": "Hintergrund",
    "Color": "Farbe",
    "Draft": "Entwurf",
    "Failed": "Fehlgeschlagen",
    "Fast, for a look while working": "Schnell, für einen Blick während der Arbeit",
    "Final": "Endgültig",
    "How much work the Likeness engine puts into a frame": "Wie viel Arbeit die Likeness-Engine in ein Bild steckt",
    "Idle": "Untätig",
    "JSON list of the files, beside the avatar's, that complete the unseen side in other ways": (
        "JSON-Liste der Dateien neben der des Avatars, die die ungesehene Seite anders ergänzen"
    ),
    "No job has run yet": "Es lief noch kein Auftrag",
    "Nothing: for compositing": "Nichts: zum Zusammensetzen",
    "Of what the add-on stored here": "Dessen, was das Add-on hier abgelegt hat",
    "One color": "Eine Farbe",
    "Plate": "Hintergrundbild",
    "Quality": "Qualität",
    "Running": "Läuft",
    "Seconds Left": "Sekunden übrig",
    "Status": "Status",
    "The .likeness file that holds texture and person": "Die .likeness-Datei mit Textur und Person",
    "The Likeness engine draws this mesh as an avatar": "Die Likeness-Engine zeichnet dieses Mesh als Avatar",
    "The best this avatar can do": "Das Beste, was dieser Avatar kann",
    "The job was asked to stop": "Der Auftrag wurde gebeten anzuhalten",
    "The last job failed; nothing was changed": "Der letzte Auftrag schlug fehl; nichts wurde geändert",
    "The last job finished": "Der letzte Auftrag ist fertig",
    "The last job was stopped; nothing was changed": "Der letzte Auftrag wurde angehalten; nichts wurde geändert",
    "The picture behind the avatars": "Das Bild hinter den Avataren",
    "This armature moves a Likeness avatar": "Diese Armatur bewegt einen Likeness-Avatar",
    "Transparent": "Transparent",
    "Version": "Version",
    "What stands behind the avatars in a render": "Was beim Rendern hinter den Avataren steht",
    # trouble
    "Change the device in the preferences, start the backend anew on it and do what failed again": (
        "Das Gerät in den Einstellungen ändern, das Backend darauf neu starten und das Misslungene noch einmal tun"
    ),
    "Choose Another Avatar": "Anderen Avatar wählen",
    "Choose Another Motion": "Andere Bewegung wählen",
    "Choose Another Photo": "Anderes Foto wählen",
    "Choose the Device Automatically": "Gerät automatisch wählen",
    "Choose the file of the active avatar, after it or the scene was moved": (
        "Die Datei des aktiven Avatars wählen, nachdem sie oder die Szene verschoben wurde"
    ),
    "Copy": "Kopieren",
    "Copy Report": "Bericht kopieren",
    "End the backend's process; the next click starts another": (
        "Den Prozess des Backends beenden; der nächste Klick startet einen neuen"
    ),
    "Halve the percentage of the resolution, and render what failed again": (
        "Den Prozentsatz der Auflösung halbieren und das Misslungene noch einmal rendern"
    ),
    "Hide Message": "Meldung ausblenden",
    "Hide this message": "Diese Meldung ausblenden",
    "Locate Avatar File": "Avatar-Datei suchen",
    "Locate the Avatar File": "Avatar-Datei suchen",
    "Open Preferences": "Einstellungen öffnen",
    "Render": "Rendern",
    "Render Animation": "Animation rendern",
    "Render at Half the Resolution": "Mit halber Auflösung rendern",
    "Restart the Backend": "Backend neu starten",
    "Select an avatar: its armature or its mesh": "Einen Avatar auswählen: seine Armatur oder sein Mesh",
    "Show the preferences of Likeness, where its backend is installed": (
        "Die Einstellungen von Likeness zeigen, wo sein Backend installiert wird"
    ),
    "Show what a report would say about this machine and the last failure, then copy it; nothing is sent": (
        "Zeigen, was ein Bericht über diesen Rechner und den letzten Fehler sagt, dann kopieren; nichts wird gesendet"
    ),
    "The next click starts the backend anew": "Der nächste Klick startet das Backend neu",
    "The next click starts the backend on that device": "Der nächste Klick startet das Backend auf diesem Gerät",
    "The report is on the clipboard": "Der Bericht ist in der Zwischenablage",
    "The resolution is {} % now": "Die Auflösung ist jetzt {} %",
    "The resolution is {} % now: render again": "Die Auflösung ist jetzt {} %: noch einmal rendern",
    "There is no avatar file '{}'": "Es gibt keine Avatar-Datei „{}“",
    "This avatar was stored by a newer Likeness: update the add-on.": (
        "Dieser Avatar stammt von einem neueren Likeness: das Add-on aktualisieren."
    ),
    "This text is copied; nothing is sent anywhere": "Dieser Text wird kopiert; nichts wird gesendet",
    "Trouble": "Störung",
    "Try Again on the Processor": "Auf dem Prozessor noch einmal versuchen",
    "Update the Add-on": "Add-on aktualisieren",
    "Update the Backend": "Backend aktualisieren",
    "Use Device": "Gerät verwenden",
    "Use the Processor": "Prozessor verwenden",
    "Verify the Backend": "Backend prüfen",
}
